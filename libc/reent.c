/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newlib's state of one thread (errno, stdio streams, ...), made at its first use.
 */
#include "internal.h"
#include <neap/kmalloc.h>
#include <neap/libc.h>
#include <neap/thread.h>
#include <string.h>
#include <sys/reent.h>

struct _reent *__getreent(void)
{
    struct thread *thread = thread_current();

    if (!thread)
        return _impure_ptr; /* before threads exist */
    if (!thread->libc) {
        struct _reent *reent = kmalloc(sizeof(*reent), 0);

        /* errno must live somewhere: without memory the thread shares the global state. */
        if (!reent)
            return _impure_ptr;
        _REENT_INIT_PTR(reent);
        thread->libc = reent;
    }
    return thread->libc;
}

void reent_use_global(void)
{
    thread_current()->libc = _impure_ptr;
}

void libc_thread_exit(struct thread *thread)
{
    struct _reent *reent = thread->libc;

    thread->libc = NULL;
    if (reent && reent != _impure_ptr) {
        _reclaim_reent(reent);
        kfree(reent);
    }
}
