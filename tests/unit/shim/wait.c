/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: sleeping and wait queues. */
#include "fiber.h"
#include "shim.h"
#include <errno.h>
#include <neap/panic.h>

static void sleep_until(struct waitqueue *queue, uint64_t deadline)
{
    if (!thread_may_sleep())
        panic("sleeping in a context that may not sleep (%s)", queue ? queue->name : "time");
    running->queue = queue;
    running->deadline = deadline;
    running->thread.state = THREAD_SLEEPING;
    schedule();
    running->queue = NULL;
    running->deadline = UINT64_MAX;
}

static uint64_t deadline_after(uint64_t ns)
{
    return ns > UINT64_MAX - shim_clock_ns ? UINT64_MAX : shim_clock_ns + ns;
}

void thread_sleep_ns(uint64_t ns)
{
    uint64_t deadline = deadline_after(ns);

    while (shim_clock_ns < deadline)
        sleep_until(NULL, deadline);
}

void waitqueue_init(struct waitqueue *queue, const char *name)
{
    spin_init(&queue->lock, name, LOCK_RANK_WAITQUEUE);
    list_init(&queue->threads);
    queue->name = name;
}

int wait_until(struct waitqueue *queue, bool (*condition)(void *), void *arg,
               uint64_t timeout_ns)
{
    uint64_t deadline = deadline_after(timeout_ns);

    if (!thread_may_sleep())
        panic("waiting for %s in a context that may not sleep", queue->name);
    while (!condition(arg)) {
        if (shim_clock_ns >= deadline)
            return -ETIMEDOUT;
        sleep_until(queue, deadline);
    }
    return 0;
}

void wake_all(struct waitqueue *queue)
{
    for (unsigned i = 0; i < nr_fibers; i++) {
        if (fibers[i]->thread.state == THREAD_SLEEPING && fibers[i]->queue == queue)
            fibers[i]->thread.state = THREAD_READY;
    }
}

void shim_settle(void)
{
    bool others;

    do {
        others = false;
        for (unsigned i = 0; i < nr_fibers; i++)
            others |= fibers[i] != running && fibers[i]->thread.state == THREAD_READY;
        if (others) {
            running->thread.state = THREAD_READY;
            schedule();
        }
    } while (others);
}

void shim_advance(uint64_t ns)
{
    thread_sleep_ns(ns);
    shim_settle();
}
