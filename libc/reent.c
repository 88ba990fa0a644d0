/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C library's state of one thread (errno, stdio streams, heap), made at its first use.
 */
#include "internal.h"
#include <neap/alloc.h>
#include <neap/kmalloc.h>
#include <neap/libc.h>
#include <neap/thread.h>
#include <string.h>
#include <sys/reent.h>

struct full_state {
    struct libc_thread thread;
    struct _reent reent;
};

static struct libc_thread global_state;

static void attach(struct libc_thread *state, struct _reent *reent)
{
    state->reent = reent;
    malloc_thread_init(state);
    thread_current()->libc = state;
}

struct libc_thread *libc_thread(void)
{
    struct thread *thread = thread_current();
    struct full_state *state;

    if (!thread || thread->libc)
        return thread ? thread->libc : NULL;
    state = kmalloc(sizeof(*state), ALLOC_OPTIONAL); /* the command line is read before mm */
    if (!state)
        return NULL;
    _REENT_INIT_PTR(&state->reent);
    state->thread.values = NULL;
    attach(&state->thread, &state->reent);
    return &state->thread;
}

struct _reent *__getreent(void)
{
    struct libc_thread *state = libc_thread();

    /* errno must live somewhere: without memory the thread shares the global state. */
    return state ? state->reent : _impure_ptr;
}

void reent_use_global(void)
{
    struct libc_thread *state = thread_current()->libc;

    if (state)
        state->reent = _impure_ptr;
    else
        attach(&global_state, _impure_ptr);
}

void libc_thread_exit(struct thread *thread)
{
    struct libc_thread *state = thread->libc;

    if (!state)
        return;
    pthread_values_exit(state);
    if (state->reent != _impure_ptr)
        _reclaim_reent(state->reent);
    malloc_thread_exit(state);
    thread->libc = NULL;
    if (state != &global_state)
        kfree(container_of(state, struct full_state, thread));
}
