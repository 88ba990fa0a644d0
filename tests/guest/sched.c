/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: preemption, fairness, priorities, migration.
 */
#include "guest.h"
#include <neap/cpu.h>
#include <neap/memory.h>
#include <neap/thread.h>
#include <neap/timer.h>

#define SPINNERS_MAX (3 * MAX_CPUS)

/* Threads that never give up a CPU by themselves. */
static struct {
    bool stop;
    struct latch started, ended;
    unsigned count;
    struct {
        uint64_t rounds;
        uint64_t run_ns;
        uint64_t cpus_seen; /* bit per CPU */
    } thread[SPINNERS_MAX];
    unsigned next;
} spin;

static void spinner(void *arg UNUSED)
{
    unsigned self = __atomic_fetch_add(&spin.next, 1, __ATOMIC_RELAXED);

    latch_arrive(&spin.started);
    while (!READ_ONCE(spin.stop)) {
        spin.thread[self].cpus_seen |= UINT64_C(1) << READ_ONCE(thread_current()->cpu);
        WRITE_ONCE(spin.thread[self].rounds, spin.thread[self].rounds + 1);
    }
    spin.thread[self].run_ns =
        thread_current()->run_ns + clock_ns() - thread_current()->started_ns;
    latch_arrive(&spin.ended);
}

static bool spinners_start(struct selftest *t, unsigned count)
{
    spin.stop = false;
    spin.next = 0;
    latch_init(&spin.started);
    latch_init(&spin.ended);
    for (unsigned i = 0; i < count; i++) {
        spin.thread[i].rounds = 0;
        spin.thread[i].run_ns = 0;
        spin.thread[i].cpus_seen = 0;
    }
    spin.count = start_threads(t, count, spinner, NULL);
    return latch_wait(t, &spin.started, spin.count) && spin.count == count;
}

static void spinners_stop(struct selftest *t)
{
    WRITE_ONCE(spin.stop, true);
    latch_wait(t, &spin.ended, spin.count);
}

static bool all_made_progress(const uint64_t *before)
{
    for (unsigned i = 0; i < spin.count; i++)
        if (READ_ONCE(spin.thread[i].rounds) == before[i])
            return false;
    return true;
}

/* This thread and all spinners never yield: only the timer can share the CPUs out. */
static void test_preemption(struct selftest *t)
{
    static uint64_t before[SPINNERS_MAX];
    uint64_t deadline = clock_ns() + PATIENCE_NS;

    if (spinners_start(t, 2 * cpu_count() + 1)) {
        for (unsigned i = 0; i < spin.count; i++)
            before[i] = READ_ONCE(spin.thread[i].rounds);
        while (!all_made_progress(before) && clock_ns() < deadline)
            arch_cpu_relax();
        EXPECT(t, all_made_progress(before));
    }
    spinners_stop(t);
}
SELFTEST(sched_preempts_busy_threads, test_preemption);

static void test_fairness(struct selftest *t)
{
    uint64_t sum = 0, least = UINT64_MAX;

    /* The time over which fairness is measured, not a synchronisation. */
    if (spinners_start(t, 3 * cpu_count()))
        thread_sleep_ns(800 * NS_PER_MS);
    spinners_stop(t);
    for (unsigned i = 0; i < spin.count; i++) {
        sum += spin.thread[i].run_ns;
        least = MIN(least, spin.thread[i].run_ns);
    }
    if (spin.count > 0 && least * 5 < sum / spin.count)
        selftest_fail(t, __FILE__, __LINE__, "a thread ran %llu us, the average is %llu us",
                      (unsigned long long)(least / NS_PER_US),
                      (unsigned long long)(sum / spin.count / NS_PER_US));
}
SELFTEST(sched_is_fair, test_fairness);

static unsigned background_runs;

static void background(void *arg)
{
    WRITE_ONCE(background_runs, 1);
    latch_arrive(arg);
}

static void test_priorities(struct selftest *t)
{
    struct latch done;
    uint64_t until;

    latch_init(&done);
    background_runs = 0;
    if (!spinners_start(t, cpu_count() + 1)) {
        spinners_stop(t);
        return;
    }
    if (thread_create("selftest", THREAD_BACKGROUND, background, &done) == NULL) {
        selftest_fail(t, __FILE__, __LINE__, "no memory for a thread");
        spinners_stop(t);
        return;
    }
    until = clock_ns() + 100 * NS_PER_MS;
    while (clock_ns() < until)
        arch_cpu_relax();
    EXPECT_EQ(t, READ_ONCE(background_runs), 0);
    spinners_stop(t);
    latch_wait(t, &done, 1);
}
SELFTEST(sched_background_waits_for_normal, test_priorities);

/* One more thread than CPUs: sooner or later each CPU has run one, and each thread has moved.
 */
static bool spread(void)
{
    uint64_t all = cpu_count() == 64 ? UINT64_MAX : (UINT64_C(1) << cpu_count()) - 1;
    uint64_t seen = 0;
    bool moved = false;

    for (unsigned i = 0; i < spin.count; i++) {
        uint64_t own = READ_ONCE(spin.thread[i].cpus_seen);

        seen |= own;
        moved |= (own & (own - 1)) != 0;
    }
    return seen == all && moved;
}

static void test_migration(struct selftest *t)
{
    if (cpu_count() == 1) {
        selftest_skip(t, "needs 2 CPUs");
        return;
    }
    /* This thread sleeps: running, it would make the number of threads an even one per CPU. */
    if (spinners_start(t, cpu_count() + 1)) {
        uint64_t deadline = clock_ns() + PATIENCE_NS;

        while (!spread() && clock_ns() < deadline)
            thread_sleep_ns(5 * NS_PER_MS);
        EXPECT(t, spread());
    }
    spinners_stop(t);
}
SELFTEST(sched_spreads_over_all_cpus, test_migration);

/* ---- birth and death ---- */

static void count_one(const struct thread *thread UNUSED, void *arg)
{
    (*(unsigned *)arg)++;
}

static unsigned count_threads(void)
{
    unsigned count = 0;

    thread_for_each(count_one, &count);
    return count;
}

static bool may_end;

static void short_life(void *arg)
{
    while (!READ_ONCE(may_end))
        thread_yield();
    latch_arrive(arg);
}

static uint64_t kernel_memory(void)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return stats.kernel;
}

struct before {
    unsigned threads;
    uint64_t memory;
};

/* Slabs may stay, 40 stacks may not. */
static bool all_is_back(void *arg)
{
    const struct before *before = arg;

    return count_threads() <= before->threads && kernel_memory() < before->memory + 256 * KIB;
}

static void test_many(struct selftest *t)
{
    struct before before = {count_threads(), kernel_memory()};
    struct latch done;

    for (unsigned round = 0; round < 4; round++) {
        unsigned started;

        latch_init(&done);
        WRITE_ONCE(may_end, false);
        started = start_threads(t, 40, short_life, &done);
        WRITE_ONCE(may_end, true);
        latch_wait(t, &done, started);
    }
    EXPECT(t, eventually(all_is_back, &before));
}
SELFTEST(sched_many_threads_live_and_die, test_many);

/* ---- the switch itself ---- */

#define STORM_THREADS 8
#define STORM_ROUNDS  200

static struct {
    struct waitqueue queue;
    struct latch done;
    unsigned tickets;
} storm;

static bool has_ticket(void *arg)
{
    return READ_ONCE(storm.tickets) >= *(unsigned *)arg;
}

/*
 * Everyone wakes everyone all the time, so threads are woken while they still go to sleep on
 * another CPU. A thread that ran twice at once would corrupt its own stack.
 */
static void storm_thread(void *arg UNUSED)
{
    for (unsigned i = 0; i < STORM_ROUNDS; i++) {
        unsigned wanted = __atomic_add_fetch(&storm.tickets, 1, __ATOMIC_SEQ_CST) + 1;

        wake_all(&storm.queue);
        wait_until(&storm.queue, has_ticket, &wanted,
                   5 * NS_PER_MS); /* the last ones time out */
    }
    latch_arrive(&storm.done);
}

static void test_storm(struct selftest *t)
{
    waitqueue_init(&storm.queue, "storm");
    latch_init(&storm.done);
    storm.tickets = 0;
    latch_wait(t, &storm.done, start_threads(t, STORM_THREADS, storm_thread, NULL));
    EXPECT_EQ(t, storm.tickets, STORM_THREADS * STORM_ROUNDS);
}
SELFTEST(sched_wakeup_storm, test_storm);

static void test_preempt_disable(struct selftest *t)
{
    unsigned cpu;

    preempt_disable();
    cpu = thread_current()->cpu;
    EXPECT(t, !thread_may_sleep());
    preempt_disable();
    preempt_enable();
    EXPECT(t, !thread_may_sleep());
    EXPECT_EQ(t, thread_current()->cpu, cpu);
    preempt_enable();
    EXPECT(t, thread_may_sleep());
}
SELFTEST(sched_preempt_disable_nests, test_preempt_disable);
