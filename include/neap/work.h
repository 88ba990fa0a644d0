/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work queues: run a function later in a thread, from any context.
 */
#ifndef NEAP_WORK_H
#define NEAP_WORK_H

#include <neap/list.h>
#include <neap/lock.h>
#include <neap/wait.h>
#include <stdbool.h>

struct thread;

struct work {
    struct list link; /* under the queue's lock */
    bool queued;
    void (*fn)(struct work *);
};

struct workqueue {
    struct spinlock lock;
    struct list pending;
    struct waitqueue idle;
    struct work *running;
    struct thread *thread;
};

void work_init(struct work *work, void (*fn)(struct work *));

/* Make a queue with one thread of its own. Returns 0 or -ENOMEM. Thread context. */
int workqueue_init(struct workqueue *queue, const char *name);

/* Queue `work` unless it waits already. Any context. Returns whether it was queued now. */
bool work_queue(struct workqueue *queue, struct work *work);

/* Wait until `work` neither waits nor runs. Thread context, not from the queue itself. */
void work_flush(struct workqueue *queue, struct work *work);

/* The queue for short, rare work that owns no thread. */
extern struct workqueue system_work;

#endif
