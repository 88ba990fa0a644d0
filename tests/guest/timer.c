/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers and the clock.
 */
#include "guest.h"
#include <neap/cpu.h>
#include <neap/thread.h>
#include <neap/timer.h>

#define TIMERS 5

static struct {
    struct timer timer[TIMERS];
    unsigned fired[TIMERS]; /* numbers in the order they fired */
    unsigned count;
    bool early;
    struct latch latch;
} o;

static void note(void *arg)
{
    unsigned number = (unsigned)(uintptr_t)arg;
    unsigned index = __atomic_fetch_add(&o.count, 1, __ATOMIC_SEQ_CST);

    if (clock_ns() < o.timer[number].deadline_ns)
        o.early = true;
    if (index < TIMERS)
        o.fired[index] = number;
    latch_arrive(&o.latch);
}

static void start_notes(void)
{
    latch_init(&o.latch);
    o.count = 0;
    o.early = false;
    for (unsigned i = 0; i < TIMERS; i++)
        timer_init(&o.timer[i], note, (void *)(uintptr_t)i);
}

/* Armed in another order than due; on one CPU, so that the list alone decides. */
static void test_order(struct selftest *t)
{
    static const unsigned due[TIMERS] = {4, 1, 3, 0, 2};
    uint64_t base;

    start_notes();
    preempt_disable();
    base = clock_ns() + 10 * NS_PER_MS;
    for (unsigned i = 0; i < TIMERS; i++)
        timer_set(&o.timer[i], base + due[i] * NS_PER_MS);
    preempt_enable();
    latch_wait(t, &o.latch, TIMERS);
    for (unsigned i = 0; i < TIMERS; i++)
        EXPECT_EQ(t, due[o.fired[i]], i);
    EXPECT(t, !o.early);
    EXPECT(t, !o.timer[0].armed);
}
SELFTEST(timer_fires_in_order, test_order);

static void test_cancel(struct selftest *t)
{
    start_notes();
    timer_set(&o.timer[0], clock_ns() + 20 * NS_PER_MS);
    timer_set(&o.timer[1], clock_ns() + 30 * NS_PER_MS);
    timer_cancel(&o.timer[0]);
    timer_cancel(&o.timer[0]);
    latch_wait(t, &o.latch, 1);
    EXPECT_EQ(t, o.count, 1);
    EXPECT_EQ(t, o.fired[0], 1);
}
SELFTEST(timer_cancelled_never_fires, test_cancel);

static void test_move(struct selftest *t)
{
    uint64_t begin = clock_ns();

    start_notes();
    timer_set(&o.timer[0], begin + 1000 * NS_PER_S);
    timer_set(&o.timer[0], begin + 5 * NS_PER_MS);
    latch_wait(t, &o.latch, 1);
    EXPECT(t, clock_ns() - begin < 500 * NS_PER_S);
    timer_set(&o.timer[0], clock_ns() - 1);
    latch_wait(t, &o.latch, 2);
    EXPECT_EQ(t, o.count, 2);
}
SELFTEST(timer_moves_and_takes_past_deadlines, test_move);

/* ---- cancelling across CPUs ---- */

static struct {
    struct timer timer, releaser;
    bool go, entered, release, left;
    struct latch done;
    unsigned times;
} c;

static void slow(void *arg UNUSED)
{
    uint64_t deadline = clock_ns() + PATIENCE_NS;

    WRITE_ONCE(c.entered, true);
    while (!READ_ONCE(c.release) && clock_ns() < deadline)
        arch_cpu_relax();
    WRITE_ONCE(c.left, true);
}

static void let_go(void *arg UNUSED)
{
    WRITE_ONCE(c.release, true);
}

static bool flag_is_set(void *arg)
{
    return READ_ONCE(*(bool *)arg);
}

/* Runs once the tester keeps its own CPU to itself, so on another one. */
static void arm_elsewhere(void *arg)
{
    eventually(flag_is_set, &c.go);
    timer_set(&c.timer, clock_ns());
    latch_arrive(arg);
}

static void test_cancel_running(struct selftest *t)
{
    struct latch armed;

    if (cpu_count() == 1) {
        selftest_skip(t, "needs 2 CPUs");
        return;
    }
    c.go = c.entered = c.release = c.left = false;
    timer_init(&c.timer, slow, NULL);
    timer_init(&c.releaser, let_go, NULL);
    latch_init(&armed);
    if (start_threads(t, 1, arm_elsewhere, &armed) == 0)
        return;
    preempt_disable();
    WRITE_ONCE(c.go, true);
    EXPECT(t, eventually(flag_is_set, &c.entered));
    /* The function ends only while this CPU already waits in timer_cancel(). */
    timer_set(&c.releaser, clock_ns() + 2 * NS_PER_MS);
    timer_cancel(&c.timer);
    EXPECT(t, READ_ONCE(c.left));
    preempt_enable();
    latch_wait(t, &armed, 1);
}
SELFTEST(timer_cancel_waits_for_the_function, test_cancel_running);

static void again(void *arg UNUSED)
{
    if (++c.times < 20)
        timer_set(&c.timer, clock_ns() + 100 * NS_PER_US);
    else
        latch_arrive(&c.done);
}

static void test_rearm(struct selftest *t)
{
    c.times = 0;
    latch_init(&c.done);
    timer_init(&c.timer, again, NULL);
    timer_set(&c.timer, clock_ns());
    latch_wait(t, &c.done, 1);
    timer_cancel(&c.timer);
    EXPECT_EQ(t, c.times, 20);
}
SELFTEST(timer_arms_itself_again, test_rearm);

/* ---- the clock ---- */

static struct {
    uint64_t latest;
    uint64_t backward; /* largest step back that was seen */
    struct latch done;
    unsigned ready, handovers;
} clock_test;

static bool all_are_ready(void *arg UNUSED)
{
    return READ_ONCE(clock_test.ready) == cpu_count();
}

/* CPUs see each other's time often enough, also where the host runs them in turns. */
#define HANDOVERS 500

static void read_clock(void *arg UNUSED)
{
    uint64_t deadline = clock_ns() + PATIENCE_NS, own = 0, now = 0;

    __atomic_fetch_add(&clock_test.ready, 1, __ATOMIC_SEQ_CST);
    eventually(all_are_ready, NULL);
    while (READ_ONCE(clock_test.handovers) < HANDOVERS && now < deadline) {
        uint64_t before = __atomic_load_n(&clock_test.latest, __ATOMIC_SEQ_CST);

        now = clock_ns();
        if (now < before)
            __atomic_store_n(&clock_test.backward, before - now, __ATOMIC_RELAXED);
        if (before != own || cpu_count() == 1)
            __atomic_fetch_add(&clock_test.handovers, 1, __ATOMIC_RELAXED);
        own = now;
        while (now > before &&
               !__atomic_compare_exchange_n(&clock_test.latest, &before, now, false,
                                            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            ;
    }
    latch_arrive(&clock_test.done);
}

static void test_clock(struct selftest *t)
{
    latch_init(&clock_test.done);
    clock_test.latest = clock_test.backward = 0;
    clock_test.ready = clock_test.handovers = 0;
    latch_wait(t, &clock_test.done, start_threads(t, cpu_count(), read_clock, NULL));
    EXPECT_EQ(t, clock_test.backward, 0);
}
SELFTEST(clock_is_monotonic_over_cpus, test_clock);

static void test_wall_clock(struct selftest *t)
{
    const uint64_t year_2020 = UINT64_C(1577836800) * NS_PER_S;

    EXPECT(t, arch_wall_clock_ns() > year_2020);
}
SELFTEST(clock_knows_the_date, test_wall_clock);
