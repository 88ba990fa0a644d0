/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX threads: the kernel's, with a result, and values of their own.
 */
#include "internal.h"
#include <errno.h>
#include <neap/alloc.h>
#include <neap/kmalloc.h>
#include <neap/list.h>
#include <neap/lock.h>
#include <neap/thread.h>
#include <neap/wait.h>
#include <pthread.h>

/* One that can be joined, or runs. All under threads_lock, but what its thread alone uses. */
struct pthread {
    struct list link;
    pthread_t id;
    void *(*start)(void *);
    void *arg;
    void *result;
    bool ended, detached;
};

static struct mutex threads_lock = MUTEX_INIT(threads_lock, "pthread", LOCK_RANK_LIBC);
static struct list threads = LIST_INIT(threads);
static struct waitqueue joiners = WAITQUEUE_INIT(joiners, "pthread_join");

static struct pthread *find(pthread_t id)
{
    struct list *pos;

    list_for_each (pos, &threads) {
        struct pthread *thread = list_entry(pos, struct pthread, link);

        if (thread->id == id && !thread->detached)
            return thread;
    }
    return NULL;
}

/* The caller, if pthread_create() made it; under threads_lock. */
static struct pthread *find_self(void)
{
    struct list *pos;

    list_for_each (pos, &threads) {
        struct pthread *thread = list_entry(pos, struct pthread, link);

        if (thread->id == pthread_self() && !thread->ended)
            return thread;
    }
    return NULL;
}

static void forget(struct pthread *thread)
{
    list_remove(&thread->link);
    kfree(thread);
}

pthread_t pthread_self(void)
{
    return thread_current()->id;
}

int pthread_equal(pthread_t a, pthread_t b)
{
    return a == b;
}

void pthread_exit(void *result)
{
    struct pthread *self;

    mutex_lock(&threads_lock);
    self = find_self();
    if (self) {
        self->result = result;
        WRITE_ONCE(self->ended, true);
        if (self->detached)
            forget(self);
    }
    mutex_unlock(&threads_lock);
    wake_all(&joiners);
    thread_exit();
}

static void run(void *arg)
{
    struct pthread *self = arg;

    /* Whoever made this thread writes its number down first. */
    mutex_lock(&threads_lock);
    mutex_unlock(&threads_lock);
    pthread_exit(self->start(self->arg));
}

int pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *arg)
{
    struct pthread *self = kcalloc(1, sizeof(*self), ALLOC_DEFAULT);
    struct thread *thread;

    (void)attributes;
    if (!self)
        return EAGAIN;
    self->start = start;
    self->arg = arg;
    mutex_lock(&threads_lock);
    thread = thread_create("pthread", THREAD_NORMAL, run, self);
    if (thread) {
        *id = self->id = thread->id;
        list_push_back(&threads, &self->link);
    }
    mutex_unlock(&threads_lock);
    if (!thread)
        kfree(self);
    return thread ? 0 : EAGAIN;
}

static bool has_ended(void *arg)
{
    return READ_ONCE(((struct pthread *)arg)->ended);
}

int pthread_join(pthread_t id, void **result)
{
    struct pthread *thread;

    if (id == pthread_self())
        return EDEADLK;
    mutex_lock(&threads_lock);
    thread = find(id);
    mutex_unlock(&threads_lock);
    if (!thread)
        return ESRCH;
    (void)wait_until(&joiners, has_ended, thread, WAIT_FOREVER);
    mutex_lock(&threads_lock);
    if (result)
        *result = thread->result;
    forget(thread);
    mutex_unlock(&threads_lock);
    return 0;
}

int pthread_detach(pthread_t id)
{
    struct pthread *thread;

    mutex_lock(&threads_lock);
    thread = find(id);
    if (thread && thread->ended)
        forget(thread);
    else if (thread)
        thread->detached = true;
    mutex_unlock(&threads_lock);
    return thread ? 0 : ESRCH;
}
