/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cross calls, spinlocks and the TLB shootdown over all CPUs.
 */
#include "guest.h"
#include <arch/layout.h>
#include <neap/alloc.h>
#include <neap/cpu.h>
#include <neap/lock.h>
#include <neap/pgtable.h>
#include <neap/thread.h>
#include <neap/timer.h>

static struct {
    unsigned calls[MAX_CPUS];
    bool irqs_were_on;
    struct latch done;
    struct spinlock lock;
    uint64_t counter;
    unsigned ready;
} s;

static void count_call(void *arg UNUSED)
{
    if (arch_irqs_enabled())
        s.irqs_were_on = true;
    __atomic_fetch_add(&s.calls[cpu_self()->number], 1, __ATOMIC_RELAXED);
}

static void reset_calls(void)
{
    for (unsigned i = 0; i < MAX_CPUS; i++)
        s.calls[i] = 0;
    s.irqs_were_on = false;
}

static unsigned sum_calls(void)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < MAX_CPUS; i++)
        sum += s.calls[i];
    return sum;
}

static void test_call(struct selftest *t)
{
    unsigned self;

    reset_calls();
    preempt_disable();
    self = cpu_self()->number;
    smp_call_others(count_call, NULL);
    for (unsigned i = 0; i < cpu_count(); i++)
        EXPECT_EQ(t, s.calls[i], i != self);
    preempt_enable();
    EXPECT(t, !s.irqs_were_on);
}
SELFTEST(smp_call_reaches_every_other_cpu, test_call);

#define CALLS 40

static void caller(void *arg UNUSED)
{
    for (unsigned i = 0; i < CALLS; i++)
        smp_call_others(count_call, NULL);
    latch_arrive(&s.done);
}

static void test_concurrent_calls(struct selftest *t)
{
    unsigned threads = cpu_count() + 1;

    reset_calls();
    latch_init(&s.done);
    latch_wait(t, &s.done, start_threads(t, threads, caller, NULL));
    EXPECT_EQ(t, sum_calls(), threads * CALLS * (cpu_count() - 1));
}
SELFTEST(smp_call_from_all_cpus_at_once, test_concurrent_calls);

#define SILENCE_NS (2 * NS_PER_MS)

/* Answers nobody for a while, as a CPU that the host does not run. */
static void silent(void *arg UNUSED)
{
    irqflags_t flags = arch_irq_save();
    uint64_t end = clock_ns() + SILENCE_NS;

    WRITE_ONCE(s.ready, 1);
    while (clock_ns() < end)
        arch_cpu_relax();
    WRITE_ONCE(s.ready, 2);
    arch_irq_restore(flags);
    latch_arrive(&s.done);
}

static void test_silent_cpu(struct selftest *t)
{
    for (unsigned round = 0; round < 5; round++) {
        reset_calls();
        latch_init(&s.done);
        s.ready = 0;
        if (start_threads(t, 1, silent, NULL) != 1)
            return;
        while (READ_ONCE(s.ready) == 0)
            thread_yield();
        smp_call_others(count_call, NULL);
        EXPECT_EQ(t, READ_ONCE(s.ready), 2);
        EXPECT_EQ(t, sum_calls(), cpu_count() - 1);
        latch_wait(t, &s.done, 1);
    }
}
SELFTEST(smp_call_waits_for_a_silent_cpu, test_silent_cpu);

/* The lock's holder calls the CPUs that spin for the lock with interrupts off. */
static void locked_caller(void *arg UNUSED)
{
    for (unsigned i = 0; i < CALLS; i++) {
        irqflags_t flags = spin_lock(&s.lock);
        uint64_t seen = READ_ONCE(s.counter);

        smp_call_others(count_call, NULL);
        WRITE_ONCE(s.counter, seen + 1);
        spin_unlock(&s.lock, flags);
    }
    latch_arrive(&s.done);
}

static void test_call_under_lock(struct selftest *t)
{
    unsigned threads = cpu_count() + 1;

    reset_calls();
    spin_init(&s.lock, "test", LOCK_RANK_SMP);
    s.counter = 0;
    latch_init(&s.done);
    latch_wait(t, &s.done, start_threads(t, threads, locked_caller, NULL));
    EXPECT_EQ(t, s.counter, threads * CALLS);
    EXPECT_EQ(t, sum_calls(), threads * CALLS * (cpu_count() - 1));
}
SELFTEST(smp_call_under_a_contended_spinlock, test_call_under_lock);

/* ---- TLB shootdown ---- */

/* An address of the application's heap that is far above what a program reaches. */
#define TEST_VA (HEAP_BASE + HEAP_SIZE - (UINT64_C(1) << 30))

static struct {
    volatile uint64_t *va;
    uint64_t seen[MAX_CPUS];
} tlb;

static void read_mapping(void *arg UNUSED)
{
    tlb.seen[cpu_self()->number] = *tlb.va;
}

static void expect_seen(struct selftest *t, uint64_t value)
{
    preempt_disable();
    smp_call_others(read_mapping, NULL);
    read_mapping(NULL);
    for (unsigned i = 0; i < cpu_count(); i++)
        EXPECT_EQ(t, tlb.seen[i], value);
    preempt_enable();
}

/* Each CPU first caches the translation, so a stale one would read the first page. */
static void test_shootdown(struct selftest *t)
{
    struct page *first = alloc_pages(0, PAGE_KERNEL, ALLOC_ZERO);
    struct page *second = alloc_pages(0, PAGE_KERNEL, ALLOC_ZERO);

    tlb.va = (volatile uint64_t *)TEST_VA;
    if (first == NULL || second == NULL) {
        selftest_fail(t, __FILE__, __LINE__, "no memory");
        return;
    }
    *(uint64_t *)page_to_virt(first) = 111;
    *(uint64_t *)page_to_virt(second) = 222;
    for (unsigned i = 0; i < 20; i++) {
        struct page *page = i % 2 == 0 ? first : second;

        if (pgtable_map(&kernel_pgtable, TEST_VA, page_to_phys(page), PAGE_SIZE,
                        PROT_KERNEL_RW) != 0) {
            selftest_fail(t, __FILE__, __LINE__, "no memory for page tables");
            break;
        }
        expect_seen(t, i % 2 == 0 ? 111 : 222);
        EXPECT_EQ(t, pgtable_unmap(&kernel_pgtable, TEST_VA, PAGE_SIZE), 0);
    }
    free_pages(first, 0);
    free_pages(second, 0);
}
SELFTEST(tlb_shootdown_reaches_every_cpu, test_shootdown);

static bool all_are_ready(void *arg)
{
    return READ_ONCE(s.ready) == *(unsigned *)arg;
}

/* All at once, and long enough under the lock that another CPU would get in between. */
static void incrementer(void *arg)
{
    __atomic_fetch_add(&s.ready, 1, __ATOMIC_SEQ_CST);
    eventually(all_are_ready, arg);
    for (unsigned i = 0; i < 50 * CALLS; i++) {
        irqflags_t flags = spin_lock(&s.lock);
        uint64_t seen = READ_ONCE(s.counter);

        for (unsigned turn = 0; turn < 10; turn++)
            arch_cpu_relax();
        WRITE_ONCE(s.counter, seen + 1);
        spin_unlock(&s.lock, flags);
    }
    latch_arrive(&s.done);
}

static void test_spinlock(struct selftest *t)
{
    unsigned threads = 2 * cpu_count();

    spin_init(&s.lock, "test", LOCK_RANK_SMP);
    s.counter = 0;
    s.ready = 0;
    latch_init(&s.done);
    latch_wait(t, &s.done, start_threads(t, threads, incrementer, &threads));
    EXPECT_EQ(t, s.counter, threads * 50 * CALLS);
    EXPECT(t, !spin_is_locked(&s.lock));
}
SELFTEST(spinlock_excludes, test_spinlock);
