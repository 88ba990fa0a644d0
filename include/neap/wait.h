/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues: threads that wait until a condition holds.
 */
#ifndef NEAP_WAIT_H
#define NEAP_WAIT_H

#include <neap/list.h>
#include <neap/lock.h>
#include <stdbool.h>
#include <stdint.h>

struct waitqueue {
    struct spinlock lock;
    struct list threads; /* under lock */
    const char *name;    /* shown as what the thread waits for */
};

#define WAIT_FOREVER UINT64_MAX

#define WAITQUEUE_INIT(queue, queue_name)                           \
    {                                                               \
        .lock = SPINLOCK_INIT(queue_name, LOCK_RANK_WAITQUEUE),     \
        .threads = LIST_INIT((queue).threads), .name = (queue_name) \
    }

void waitqueue_init(struct waitqueue *queue, const char *name);

/*
 * Sleep until condition(arg) is true or `timeout_ns` from now has passed. The condition is
 * evaluated before every sleep, without locks, and must not sleep. Returns 0, or -ETIMEDOUT
 * with the condition still false. Thread context, no spinlock held.
 */
int wait_until(struct waitqueue *queue, bool (*condition)(void *), void *arg,
               uint64_t timeout_ns);

/* Wake every waiter, so that it looks at its condition again. Any context. */
void wake_all(struct waitqueue *queue);

#endif
