/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work queues.
 */
#include "guest.h"
#include <neap/cpu.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <neap/work.h>

#define WORKS 16

static struct {
    struct work work[WORKS];
    unsigned order[WORKS];
    unsigned count;
    struct work gate, last;
    bool gate_open;
    unsigned runs, requeues;
} w;

static bool gate_is_open(void *arg UNUSED)
{
    return READ_ONCE(w.gate_open);
}

static void wait_at_gate(struct work *work UNUSED)
{
    eventually(gate_is_open, NULL);
}

static void note_order(struct work *work)
{
    w.order[w.count++] = (unsigned)(work - w.work);
}

static void test_order(struct selftest *t)
{
    w.gate_open = false;
    w.count = 0;
    work_init(&w.gate, wait_at_gate);
    work_queue(&system_work, &w.gate);
    for (unsigned i = 0; i < WORKS; i++) {
        work_init(&w.work[i], note_order);
        EXPECT(t, work_queue(&system_work, &w.work[i]));
        EXPECT(t, !work_queue(&system_work, &w.work[i])); /* waits already */
    }
    EXPECT_EQ(t, w.count, 0);
    WRITE_ONCE(w.gate_open, true);
    work_flush(&system_work, &w.work[WORKS - 1]);
    EXPECT_EQ(t, w.count, WORKS);
    for (unsigned i = 0; i < WORKS; i++)
        EXPECT_EQ(t, w.order[i], i);
}
SELFTEST(work_runs_once_and_in_order, test_order);

/* Slow enough that a flush which did not wait would return before its end. */
static void slow(struct work *work UNUSED)
{
    WRITE_ONCE(w.gate_open, true);
    thread_sleep_ns(5 * NS_PER_MS);
    w.runs++;
}

static void test_flush(struct selftest *t)
{
    w.runs = 0;
    work_init(&w.last, slow);
    work_flush(&system_work, &w.last); /* neither queued nor running */
    EXPECT_EQ(t, w.runs, 0);
    w.gate_open = false;
    work_queue(&system_work, &w.last);
    EXPECT(t, eventually(gate_is_open, NULL)); /* it has left the queue and runs */
    work_flush(&system_work, &w.last);
    EXPECT_EQ(t, w.runs, 1);
}
SELFTEST(work_flush_waits_for_the_end, test_flush);

static void requeue(struct work *work)
{
    if (++w.requeues < 10)
        work_queue(&system_work, work);
}

static bool requeued(void *arg UNUSED)
{
    return READ_ONCE(w.requeues) == 10;
}

static void queue_from_interrupt(void *arg)
{
    work_queue(&system_work, arg);
}

static void test_requeue(struct selftest *t)
{
    struct timer timer;

    w.requeues = 0;
    work_init(&w.last, requeue);
    timer_init(&timer, queue_from_interrupt, &w.last);
    timer_set(&timer, clock_ns());
    EXPECT(t, eventually(requeued, NULL));
    timer_cancel(&timer);
    work_flush(&system_work, &w.last);
    EXPECT_EQ(t, w.requeues, 10);
}
SELFTEST(work_queues_itself_again, test_requeue);
