/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: sleeping and wait queues. */
#include "fiber.h"
#include "shim.h"
#include <errno.h>
#include <neap/panic.h>

static void sleep_until(uint64_t deadline)
{
    running->deadline = deadline;
    running->thread.state = THREAD_SLEEPING;
    schedule();
    running->deadline = UINT64_MAX;
}

static uint64_t deadline_after(uint64_t ns)
{
    return ns > UINT64_MAX - shim_clock_ns ? UINT64_MAX : shim_clock_ns + ns;
}

void thread_sleep_ns(uint64_t ns)
{
    uint64_t deadline = deadline_after(ns);

    if (!thread_may_sleep())
        panic("sleeping in a context that may not sleep");
    while (shim_clock_ns < deadline)
        sleep_until(deadline);
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
    int error = 0;

    if (!thread_may_sleep())
        panic("waiting for %s in a context that may not sleep", queue->name);
    /* Joins the queue first: a condition that takes a lock lets others in, who may wake it. */
    running->queue = queue;
    for (;;) {
        running->woken = false;
        if (condition(arg))
            break;
        if (shim_clock_ns >= deadline) {
            error = -ETIMEDOUT;
            break;
        }
        if (!running->woken)
            sleep_until(deadline);
    }
    running->queue = NULL;
    return error;
}

void wake_all(struct waitqueue *queue)
{
    for (unsigned i = 0; i < nr_fibers; i++) {
        if (fibers[i]->queue != queue)
            continue;
        fibers[i]->woken = true;
        if (fibers[i]->thread.state == THREAD_SLEEPING)
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
