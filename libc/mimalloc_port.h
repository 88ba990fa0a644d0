/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How mimalloc is set up for neap: read before each of its files (tools/build/mimalloc) and by
 * the files of libc/ that look into it.
 */
#ifndef LIBC_MIMALLOC_PORT_H
#define LIBC_MIMALLOC_PORT_H

#define MI_DEBUG  0
#define MI_SECURE 0
#define MI_STAT   0

/* Or it would read the compiler's headers for vectors, for one instruction. */
#undef __SSE2__

/* The one platform that it knows without pthreads, files and signals. */
#define __wasi__ 1

/* Where mimalloc knows no instruction for a turn of a spin loop it calls sched_yield(). */
#include <sched.h>

/*
 * The calling thread's default heap lies in its libc state (reent.c): there is no register for
 * thread-local variables. mimalloc has the place for such a pointer in what pthread_self()
 * returns. The pointer's address names the thread, too.
 */
struct mi_heap_s **thread_default_heap(void);
#define MI_TLS_PTHREAD_SLOT_OFS 0
#define pthread_t               struct mi_heap_s **
#define pthread_self            thread_default_heap
#define __thread
#include <mimalloc.h>

#include <mimalloc-internal.h>
#undef __thread
#undef mi_decl_thread
#define mi_decl_thread
#define _mi_thread_id() ((mi_threadid_t)thread_default_heap())

/*
 * Committing promises memory, so it commits what is asked for and not 1 MiB around it. Commits
 * and decommits have the same grain then, so that what is committed anew is always zero.
 */
#undef MI_MINIMAL_COMMIT_SIZE
#define MI_MINIMAL_COMMIT_SIZE MI_COMMIT_SIZE

/* Counters that nobody reads. */
#define _mi_stat_increase(stat, amount)         ((void)(stat), (void)(amount))
#define _mi_stat_decrease(stat, amount)         ((void)(stat), (void)(amount))
#define _mi_stat_counter_increase(stat, amount) ((void)(stat), (void)(amount))

/* Memory taken in advance: an option that is off. */
#define mi_reserve_os_memory(...)                ((void)0)
#define mi_reserve_huge_os_pages_at(...)         ((void)0)
#define mi_reserve_huge_os_pages_interleave(...) ((void)0)

#endif
