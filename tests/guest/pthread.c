/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX threads as programs use them: work handed out through a mutex and a condition.
 */
#include "guest.h"
#include <errno.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <pthread.h>
#include <stdlib.h>

#define WORKERS 4
#define JOBS    500

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more, less;
    int waiting, taken, busy, most_busy;
    bool closed;
} work;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int initialised, destroyed; /* atomic */

static void destroy(void *value)
{
    free(value);
    __atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
}

static void initialise(void)
{
    thread_sleep_ns(NS_PER_MS);
    __atomic_add_fetch(&initialised, 1, __ATOMIC_RELAXED);
    (void)pthread_key_create(&key, destroy);
}

static void *worker(void *arg)
{
    long done = 0;

    (void)pthread_once(&once, initialise);
    (void)pthread_setspecific(key, malloc(10));
    (void)pthread_mutex_lock(&work.lock);
    for (;;) {
        while (work.waiting == 0 && !work.closed)
            (void)pthread_cond_wait(&work.more, &work.lock);
        if (work.waiting == 0)
            break;
        work.waiting--;
        work.taken++;
        work.busy++;
        work.most_busy = work.busy > work.most_busy ? work.busy : work.most_busy;
        thread_yield(); /* with the lock: others must wait */
        work.busy--;
        done++;
        (void)pthread_cond_signal(&work.less);
    }
    (void)pthread_mutex_unlock(&work.lock);
    if (arg)
        pthread_exit((void *)done);
    return (void *)done;
}

static void test_workers(struct selftest *t)
{
    pthread_t threads[WORKERS];
    void *done;
    long sum = 0;

    work.lock = PTHREAD_MUTEX_INITIALIZER;
    work.more = work.less = PTHREAD_COND_INITIALIZER;
    work.waiting = work.taken = work.busy = work.most_busy = 0;
    work.closed = false;
    once = (pthread_once_t)PTHREAD_ONCE_INIT;
    initialised = destroyed = 0;
    for (long i = 0; i < WORKERS; i++)
        EXPECT_EQ(t, pthread_create(&threads[i], NULL, worker, (void *)(i % 2)), 0);
    for (int i = 0; i < JOBS; i++) {
        EXPECT_EQ(t, pthread_mutex_lock(&work.lock), 0);
        while (work.waiting == 3)
            EXPECT_EQ(t, pthread_cond_wait(&work.less, &work.lock), 0);
        work.waiting++;
        EXPECT_EQ(t, pthread_cond_signal(&work.more), 0);
        EXPECT_EQ(t, pthread_mutex_unlock(&work.lock), 0);
    }
    EXPECT_EQ(t, pthread_mutex_lock(&work.lock), 0);
    work.closed = true;
    EXPECT_EQ(t, pthread_cond_broadcast(&work.more), 0);
    EXPECT_EQ(t, pthread_mutex_unlock(&work.lock), 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        EXPECT_EQ(t, pthread_join(threads[i], &done), 0);
        sum += (long)done;
    }
    EXPECT_EQ(t, sum, JOBS);
    EXPECT_EQ(t, work.taken, JOBS);
    EXPECT_EQ(t, work.most_busy, 1);
    EXPECT_EQ(t, initialised, 1);
    EXPECT_EQ(t, pthread_join(threads[0], NULL), ESRCH);
}
SELFTEST(pthread_workers_share_work, test_workers);

static bool all_destroyed(void *arg UNUSED)
{
    return __atomic_load_n(&destroyed, __ATOMIC_RELAXED) == WORKERS;
}

static void test_errors(struct selftest *t)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    struct timespec past = {0, 0};

    test_workers(t);
    EXPECT(t, eventually(all_destroyed, NULL)); /* the values of threads that ended */
    EXPECT_EQ(t, pthread_mutex_unlock(&mutex), EPERM);
    EXPECT_EQ(t, pthread_mutex_lock(&mutex), 0);
    EXPECT_EQ(t, pthread_mutex_trylock(&mutex), EBUSY);
    EXPECT_EQ(t, pthread_mutex_lock(&mutex), EDEADLK);
    EXPECT_EQ(t, pthread_mutex_destroy(&mutex), EBUSY);
    EXPECT_EQ(t, pthread_cond_timedwait(&cond, &mutex, &past), ETIMEDOUT);
    EXPECT_EQ(t, pthread_mutex_unlock(&mutex), 0);
    EXPECT_EQ(t, pthread_mutex_destroy(&mutex), 0);
    EXPECT_EQ(t, pthread_join(pthread_self(), NULL), EDEADLK);
    EXPECT(t, pthread_equal(pthread_self(), pthread_self()));
    EXPECT_EQ(t, pthread_setspecific(PTHREAD_KEYS_MAX, NULL), EINVAL);
}
SELFTEST(pthread_errors_and_ends, test_errors);
