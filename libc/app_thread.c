/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More threads for an application.
 */
#include "fd.h"
#include <errno.h>
#include <neap/app_thread.h>
#include <neap/thread.h>

int app_thread_start(const char *name, void (*entry)(void *), void *arg)
{
    if (thread_create(name, THREAD_NORMAL, entry, arg))
        return 0;
    return (int)libc_result(-ENOMEM);
}

/* On some machines malloc() waits so for another thread; newlib has no prototype. */
int sched_yield(void);

int sched_yield(void)
{
    thread_yield();
    return 0;
}
