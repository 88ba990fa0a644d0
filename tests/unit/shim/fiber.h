/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: coroutines, between sched.c, which switches, and wait.c, which lets them sleep.
 */
#ifndef FIBER_H
#define FIBER_H

#include <neap/thread.h>
#include <neap/wait.h>

#define THREADS_MAX 128

/* A coroutine; the test itself is the first. */
struct fiber {
    struct thread thread;
    void *stack_pointer; /* of a coroutine that does not run */
    void *host_stack;
    const void *asan_bottom;
    size_t asan_size;
    void *asan_fake;
    void (*entry)(void *);
    void *arg;
    struct waitqueue *queue; /* waits there; NULL: sleeps for time alone */
    bool woken;              /* since it last looked at its condition */
    uint64_t deadline;
};

extern struct fiber *fibers[THREADS_MAX];
extern unsigned nr_fibers;
extern struct fiber *running;

/* The running coroutine gives way; its state says whether it wants to come back. */
void schedule(void);

#endif
