/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues.
 *
 * No wake-up is lost: a waiter is on the list before it looks at its condition, and who
 * changes the condition takes the same lock afterwards. Either it finds the waiter there, or
 * the waiter came later and sees the change.
 */
#include "internal.h"
#include <neap/errors.h>
#include <neap/panic.h>
#include <neap/timer.h>
#include <neap/wait.h>

void waitqueue_init(struct waitqueue *queue, const char *name)
{
    spin_init(&queue->lock, name, LOCK_RANK_WAITQUEUE);
    list_init(&queue->threads);
    queue->name = name;
}

struct timeout {
    struct timer timer;
    struct thread *thread;
    bool expired;
};

static void timeout_expire(void *arg)
{
    struct timeout *timeout = arg;

    WRITE_ONCE(timeout->expired, true);
    thread_wake(timeout->thread);
}

static void timeout_start(struct timeout *timeout, uint64_t ns)
{
    uint64_t now = clock_ns();

    timeout->thread = thread_current();
    timeout->expired = false;
    timer_init(&timeout->timer, timeout_expire, timeout);
    if (ns != WAIT_FOREVER)
        timer_set(&timeout->timer, ns > UINT64_MAX - now ? UINT64_MAX : now + ns);
}

static void enlist(struct waitqueue *queue, struct thread *self)
{
    irqflags_t flags = spin_lock(&queue->lock);

    list_push_back(&queue->threads, &self->wait_link);
    spin_unlock(&queue->lock, flags);
}

static void delist(struct waitqueue *queue, struct thread *self)
{
    irqflags_t flags = spin_lock(&queue->lock);

    list_remove(&self->wait_link);
    spin_unlock(&queue->lock, flags);
}

int wait_until(struct waitqueue *queue, bool (*condition)(void *), void *arg,
               uint64_t timeout_ns)
{
    struct thread *self = thread_current();
    struct timeout timeout;
    int result = 0;

    if (condition(arg))
        return 0;
    if (timeout_ns == 0)
        return -ETIMEDOUT;
    ASSERT(thread_may_sleep());
    timeout_start(&timeout, timeout_ns);
    enlist(queue, self);
    for (;;) {
        bool expired = READ_ONCE(timeout.expired);

        if (condition(arg))
            break;
        if (expired) {
            result = -ETIMEDOUT;
            break;
        }
        thread_block(queue->name);
    }
    delist(queue, self);
    timer_cancel(&timeout.timer);
    return result;
}

void wake_all(struct waitqueue *queue)
{
    irqflags_t flags = spin_lock(&queue->lock);
    struct list *pos;

    list_for_each (pos, &queue->threads)
        thread_wake(list_entry(pos, struct thread, wait_link));
    spin_unlock(&queue->lock, flags);
}

void thread_sleep_ns(uint64_t ns)
{
    struct timeout timeout;

    ASSERT(thread_may_sleep());
    timeout_start(&timeout, ns);
    while (!READ_ONCE(timeout.expired))
        thread_block("sleep");
    timer_cancel(&timeout.timer);
}
