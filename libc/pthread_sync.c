/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX mutexes, conditions and once. newlib's types have room for one word each, so threads
 * wait in queues that many objects share, and look again when any of those changed.
 */
#include <errno.h>
#include <neap/compiler.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <neap/wait.h>
#include <pthread.h>

#define QUEUE(n) WAITQUEUE_INIT(queues[n], "pthread")

static struct waitqueue queues[8] = {QUEUE(0), QUEUE(1), QUEUE(2), QUEUE(3),
                                     QUEUE(4), QUEUE(5), QUEUE(6), QUEUE(7)};

static struct waitqueue *queue_of(const void *object)
{
    return &queues[(uintptr_t)object / sizeof(uint64_t) % ARRAY_SIZE(queues)];
}

/* ---- mutexes: the owner's number, or FREE; CONTENDED when somebody may wait ---- */

#define FREE      _PTHREAD_MUTEX_INITIALIZER
#define CONTENDED (1u << 31)

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    (void)attributes;
    *mutex = FREE;
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    return *mutex == FREE ? 0 : EBUSY;
}

static bool owned_by(pthread_mutex_t word, pthread_t thread)
{
    return word != FREE && (word & ~CONTENDED) == thread;
}

static bool acquire(pthread_mutex_t *mutex, pthread_mutex_t word)
{
    pthread_mutex_t expected = FREE;

    return __atomic_compare_exchange_n(mutex, &expected, word, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    return acquire(mutex, pthread_self()) ? 0 : EBUSY;
}

/* Marks the mutex, so that its owner wakes us; or it is free. */
static bool may_be_free(void *arg)
{
    pthread_mutex_t *mutex = arg, word = __atomic_load_n(mutex, __ATOMIC_RELAXED);

    while (word != FREE && !(word & CONTENDED)) {
        if (__atomic_compare_exchange_n(mutex, &word, word | CONTENDED, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
            return false;
    }
    return word == FREE;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    pthread_t self = pthread_self();

    if (acquire(mutex, self))
        return 0;
    if (owned_by(__atomic_load_n(mutex, __ATOMIC_RELAXED), self))
        return EDEADLK;
    do
        (void)wait_until(queue_of(mutex), may_be_free, mutex, WAIT_FOREVER);
    while (!acquire(mutex, self | CONTENDED)); /* others may wait as well */
    return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (!owned_by(__atomic_load_n(mutex, __ATOMIC_RELAXED), pthread_self()))
        return EPERM;
    if (__atomic_exchange_n(mutex, FREE, __ATOMIC_RELEASE) & CONTENDED)
        wake_all(queue_of(mutex));
    return 0;
}

/* ---- conditions: a count of signals ---- */

int pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attributes)
{
    (void)attributes;
    *cond = _PTHREAD_COND_INITIALIZER;
    return 0;
}

int pthread_cond_destroy(pthread_cond_t *cond)
{
    (void)cond;
    return 0;
}

struct cond_wait {
    const pthread_cond_t *cond;
    pthread_cond_t seen;
};

static bool was_signalled(void *arg)
{
    const struct cond_wait *wait = arg;

    return __atomic_load_n(wait->cond, __ATOMIC_ACQUIRE) != wait->seen;
}

static int wait_for(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t timeout_ns)
{
    struct cond_wait wait = {cond, __atomic_load_n(cond, __ATOMIC_ACQUIRE)};
    int error = pthread_mutex_unlock(mutex), result;

    if (error)
        return error;
    result = wait_until(queue_of(cond), was_signalled, &wait, timeout_ns);
    (void)pthread_mutex_lock(mutex);
    return result ? ETIMEDOUT : 0;
}

int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    return wait_for(cond, mutex, WAIT_FOREVER);
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                           const struct timespec *until)
{
    struct timespec now;
    int64_t left;

    if (until->tv_nsec < 0 || until->tv_nsec >= (long)NS_PER_S)
        return EINVAL;
    if (clock_gettime(CLOCK_REALTIME, &now))
        return errno;
    left = (int64_t)(until->tv_sec - now.tv_sec) * (int64_t)NS_PER_S + until->tv_nsec -
           now.tv_nsec;
    return wait_for(cond, mutex, left > 0 ? (uint64_t)left : 0);
}

int pthread_cond_broadcast(pthread_cond_t *cond)
{
    __atomic_add_fetch(cond, 1, __ATOMIC_RELEASE);
    wake_all(queue_of(cond));
    return 0;
}

int pthread_cond_signal(pthread_cond_t *cond)
{
    return pthread_cond_broadcast(cond);
}

/* ---- once ---- */

enum once { ONCE_NEVER, ONCE_RUNNING, ONCE_DONE };

static bool once_is_done(void *arg)
{
    return __atomic_load_n((int *)arg, __ATOMIC_ACQUIRE) == ONCE_DONE;
}

int pthread_once(pthread_once_t *once, void (*initialise)(void))
{
    int *state = &once->init_executed, expected = ONCE_NEVER;

    if (once_is_done(state))
        return 0;
    if (__atomic_compare_exchange_n(state, &expected, ONCE_RUNNING, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED)) {
        initialise();
        __atomic_store_n(state, ONCE_DONE, __ATOMIC_RELEASE);
        wake_all(queue_of(state));
    }
    return wait_until(queue_of(state), once_is_done, state, WAIT_FOREVER);
}
