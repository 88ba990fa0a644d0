/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of libc/ share.
 */
#ifndef LIBC_INTERNAL_H
#define LIBC_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

struct _reent;
struct mi_heap_s;

/* What struct thread's `libc` points to. */
struct libc_thread {
    struct mi_heap_s *heap; /* mimalloc's; the address of this field names the thread */
    struct _reent *reent;   /* newlib's */
    void **values;          /* of pthread_setspecific(); NULL: none yet */
};

/* The calling thread's state, made at its first use. NULL: no memory, or no threads yet. */
struct libc_thread *libc_thread(void);

/* Let the calling thread use newlib's own, statically allocated state. */
void reent_use_global(void);

/*
 * Of malloc.c: a thread's state is complete but for its heap, and is about to go. In the
 * context of that thread.
 */
void malloc_thread_init(struct libc_thread *state);
void malloc_thread_exit(struct libc_thread *state);

/* newlib's lock for malloc(); held for a moment only, and while memory is given back. */
extern struct __lock __lock___malloc_recursive_mutex;

/* --- pthread_key.c --- */

/* Destroy the values of a thread that ends, in its context. */
void pthread_values_exit(struct libc_thread *state);

/* --- malloc_purge.c --- */

/* What mimalloc gives up in pieces of this size goes at once; less waits. */
#define PURGE_LARGE ((uintptr_t)1 << 20)

/* Memory could not be given back once, so pages that mimalloc commits need not be zero. */
extern bool malloc_kept_memory;

void purge_init(void);

/* Decommit [start, end) soon. It is committed and waits nowhere else. */
void purge_later(uintptr_t start, uintptr_t end);

/* Decommit everything that waits. Returns whether there was anything. */
bool purge_now(void);

/* What waits in [start, end) is committed again (`keep`), or is decommitted now. */
void purge_forget(uintptr_t start, uintptr_t end, bool keep);

#endif
