/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newlib's locks. All are recursive: a superset of what the non-recursive ones need.
 *
 * They are no struct mutex: newlib nests them in an order of its own (stream list, stream,
 * malloc), which the kernel's lock ranks cannot express. None is ever held while kernel code
 * asks for newlib's again, so they rank outside all mutexes.
 */
#include <neap/alloc.h>
#include <neap/kmalloc.h>
#include <neap/panic.h>
#include <neap/thread.h>
#include <neap/wait.h>
#include <sys/lock.h>

struct __lock {
    struct thread *owner; /* NULL: free */
    unsigned depth;       /* of the owner's acquisitions */
    struct waitqueue waiters;
};

#define STATIC_LOCK(name) \
    struct __lock __lock___##name = {.waiters = WAITQUEUE_INIT(__lock___##name.waiters, #name)}

STATIC_LOCK(arc4random_mutex);
STATIC_LOCK(at_quick_exit_mutex);
STATIC_LOCK(atexit_recursive_mutex);
STATIC_LOCK(dd_hash_mutex);
STATIC_LOCK(env_recursive_mutex);
STATIC_LOCK(malloc_recursive_mutex);
STATIC_LOCK(sfp_recursive_mutex);
STATIC_LOCK(tz_mutex);

/* Stands in where there is no memory for a lock: newlib cannot be told about a failure. */
static STATIC_LOCK(shared);

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
    *lock = kcalloc(1, sizeof(**lock), ALLOC_DEFAULT);
    if (*lock)
        waitqueue_init(&(*lock)->waiters, "libc lock");
    else
        *lock = &__lock___shared;
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    if (lock != &__lock___shared)
        kfree(lock);
}

static bool lock_is_free(void *arg)
{
    return !READ_ONCE(((_LOCK_T)arg)->owner);
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    struct thread *self = thread_current();
    struct thread *expected = NULL;

    if (READ_ONCE(lock->owner) != self &&
        !__atomic_compare_exchange_n(&lock->owner, &expected, self, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return 0;
    lock->depth++;
    return 1;
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
    while (!__retarget_lock_try_acquire_recursive(lock))
        (void)wait_until(&lock->waiters, lock_is_free, lock, WAIT_FOREVER);
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
    ASSERT(lock->owner == thread_current());
    if (--lock->depth == 0) {
        __atomic_store_n(&lock->owner, NULL, __ATOMIC_RELEASE);
        wake_all(&lock->waiters);
    }
}

void __retarget_lock_init(_LOCK_T *lock)
{
    __retarget_lock_init_recursive(lock);
}

void __retarget_lock_close(_LOCK_T lock)
{
    __retarget_lock_close_recursive(lock);
}

int __retarget_lock_try_acquire(_LOCK_T lock)
{
    return __retarget_lock_try_acquire_recursive(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
    __retarget_lock_acquire_recursive(lock);
}

void __retarget_lock_release(_LOCK_T lock)
{
    __retarget_lock_release_recursive(lock);
}
