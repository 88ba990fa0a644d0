/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work queues: one thread each, work in the order it was queued.
 */
#include "internal.h"
#include <neap/errors.h>
#include <neap/work.h>

/* Usable before its thread exists: work then waits for workqueue_init(). */
struct workqueue system_work = {
    .lock = SPINLOCK_INIT("work queue", LOCK_RANK_WORK),
    .pending = LIST_INIT(system_work.pending),
    .idle = WAITQUEUE_INIT(system_work.idle, "work"),
};

void work_init(struct work *work, void (*fn)(struct work *))
{
    list_init(&work->link);
    work->queued = false;
    work->fn = fn;
}

static bool has_work(void *arg)
{
    struct workqueue *queue = arg;
    irqflags_t flags = spin_lock(&queue->lock);
    bool pending = !list_empty(&queue->pending);

    spin_unlock(&queue->lock, flags);
    return pending;
}

static struct work *take(struct workqueue *queue)
{
    irqflags_t flags = spin_lock(&queue->lock);
    struct work *work = list_entry(list_first(&queue->pending), struct work, link);

    list_remove(&work->link);
    work->queued = false;
    queue->running = work;
    spin_unlock(&queue->lock, flags);
    return work;
}

static void worker(void *arg)
{
    struct workqueue *queue = arg;
    irqflags_t flags;

    for (;;) {
        struct work *work;

        wait_until(&queue->idle, has_work, queue, WAIT_FOREVER);
        work = take(queue);
        work->fn(work);
        /* fn may have freed its work: only the queue is touched. */
        flags = spin_lock(&queue->lock);
        queue->running = NULL;
        spin_unlock(&queue->lock, flags);
        wake_all(&queue->idle);
    }
}

int workqueue_init(struct workqueue *queue, const char *name)
{
    if (queue != &system_work) {
        spin_init(&queue->lock, "work queue", LOCK_RANK_WORK);
        list_init(&queue->pending);
        waitqueue_init(&queue->idle, name);
        queue->running = NULL;
    }
    queue->thread = thread_create(name, THREAD_NORMAL, worker, queue);
    return queue->thread ? 0 : -ENOMEM;
}

bool work_queue(struct workqueue *queue, struct work *work)
{
    irqflags_t flags = spin_lock(&queue->lock);
    bool fresh = !work->queued;

    if (fresh) {
        work->queued = true;
        list_push_back(&queue->pending, &work->link);
    }
    spin_unlock(&queue->lock, flags);
    if (fresh)
        wake_all(&queue->idle);
    return fresh;
}

struct flush {
    struct workqueue *queue;
    struct work *work;
};

static bool is_done(void *arg)
{
    struct flush *flush = arg;
    irqflags_t flags = spin_lock(&flush->queue->lock);
    bool done = !flush->work->queued && flush->queue->running != flush->work;

    spin_unlock(&flush->queue->lock, flags);
    return done;
}

void work_flush(struct workqueue *queue, struct work *work)
{
    struct flush flush = {queue, work};

    wait_until(&queue->idle, is_done, &flush, WAIT_FOREVER);
}
