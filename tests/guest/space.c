/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The application's address space on the real machine: faults, protection, and pages that are
 * moved, split and given back while every CPU writes and checks them.
 */
#include "guest.h"
#include <arch/clock.h>
#include <arch/trap.h>
#include <neap/alloc.h>
#include <neap/cpu.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/memory.h>
#include <neap/movable.h>
#include <neap/panic.h>
#include <neap/pgtable.h>
#include <neap/space.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <string.h>

#define LARGE_SIZE (PAGE_SIZE << PAGEBLOCK_ORDER)

/* ---- faults ---- */

static void read_byte(void *arg)
{
    (void)*(volatile char *)arg;
}

static void write_byte(void *arg)
{
    *(volatile char *)arg = 1;
}

static bool works(void (*fn)(void *), uintptr_t va)
{
    return arch_trap_expect(fn, (void *)va, NULL) < 0;
}

static void test_faults(struct selftest *t)
{
    uintptr_t va = space_reserve(4 * LARGE_SIZE, LARGE_SIZE);
    struct space_stats before, after;
    irqflags_t flags;

    if (va == 0) {
        selftest_fail(t, __FILE__, __LINE__, "no addresses");
        return;
    }
    EXPECT(t, !works(read_byte, va));
    EXPECT_EQ(t, space_commit(va, 3 * LARGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    space_stats_get(&before);
    EXPECT(t, works(write_byte, va + LARGE_SIZE));
    EXPECT(t, works(read_byte, va + 2 * LARGE_SIZE - 1));
    EXPECT_EQ(t, *(char *)(va + LARGE_SIZE), 1);
    space_stats_get(&after);
    EXPECT(t, after.faults > before.faults);
    /* Where the thread may not sleep, too. */
    flags = arch_irq_save();
    *(volatile char *)va = 2;
    EXPECT(t, !arch_irqs_enabled());
    arch_irq_restore(flags);
    EXPECT_EQ(t, *(char *)va, 2);
    EXPECT_EQ(t, space_protect(va, PAGE_SIZE, SPACE_READ), 0);
    EXPECT(t, works(read_byte, va));
    EXPECT(t, !works(write_byte, va));
    EXPECT_EQ(t, space_protect(va, PAGE_SIZE, SPACE_NONE), 0);
    EXPECT(t, !works(read_byte, va));
    EXPECT_EQ(t, space_protect(va, PAGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    EXPECT_EQ(t, *(char *)va, 2);
    EXPECT_EQ(t, space_discard(va, PAGE_SIZE), 0);
    EXPECT_EQ(t, *(char *)va, 0);
    EXPECT_EQ(t, space_decommit(va, PAGE_SIZE), 0);
    EXPECT(t, !works(read_byte, va));
    EXPECT(t, !works(read_byte, va + 3 * LARGE_SIZE));
    EXPECT_EQ(t, space_release(va, 4 * LARGE_SIZE), 0);
    EXPECT(t, !works(read_byte, va + LARGE_SIZE));
}
SELFTEST(space_fills_in_at_the_first_touch, test_faults);

/* ---- moving under load ---- */

#define AREA     (4 * LARGE_SIZE)
#define WORDS    (AREA / sizeof(uint64_t))
#define MOVES_NS (2 * NS_PER_S)

static struct {
    struct latch done;
    uintptr_t va;
    unsigned writers; /* threads; each has every writers-th word of the area */
    unsigned next;
    bool stop;
    uint64_t rounds;
    uint64_t stall_ns; /* longest time that one access took */
} load;

/* What a word holds in a round: its place is in it, so a page at the wrong address shows. */
static uint64_t word_in(uint64_t index, uint64_t round)
{
    return (index + 1) * 0x9e3779b97f4a7c15u ^ round;
}

static void note_stall(uint64_t ns)
{
    uint64_t longest = __atomic_load_n(&load.stall_ns, __ATOMIC_RELAXED);

    while (ns > longest && !__atomic_compare_exchange_n(&load.stall_ns, &longest, ns, false,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

static void write_and_check(void *arg)
{
    unsigned self = __atomic_fetch_add(&load.next, 1, __ATOMIC_RELAXED);
    volatile uint64_t *words = (volatile uint64_t *)load.va;
    /* Not a divisor of the words in a page: every page sees every thread. */
    uint64_t step = load.writers * 61, round = 0;

    for (uint64_t i = self; i < WORDS; i += step)
        words[i] = word_in(i, 0);
    while (!READ_ONCE(load.stop)) {
        for (uint64_t i = self; i < WORDS; i += step) {
            uint64_t begin = clock_ns(), value = words[i];

            words[i] = word_in(i, round + 1);
            note_stall(clock_ns() - begin);
            if (value == word_in(i, round))
                continue;
            selftest_fail(arg, __FILE__, __LINE__, "word %llu of round %llu is %llx",
                          (unsigned long long)i, (unsigned long long)round,
                          (unsigned long long)value);
            WRITE_ONCE(load.stop, true);
            break;
        }
        round++;
    }
    __atomic_add_fetch(&load.rounds, round, __ATOMIC_RELAXED);
    latch_arrive(&load.done);
}

/* Some with interrupts off: they cannot sleep while a page is away. */
static void write_with_interrupts_off(void *arg)
{
    volatile uint64_t *words = (volatile uint64_t *)load.va;
    uint64_t value = 0,
             index = WORDS - 2 - 7 * 512; /* its remainder by 61 says that nobody else has it */

    words[index] = 0;
    while (!READ_ONCE(load.stop)) {
        irqflags_t flags = arch_irq_save();

        if (words[index] != value)
            selftest_fail(arg, __FILE__, __LINE__, "a count of %llu is %llu",
                          (unsigned long long)value, (unsigned long long)words[index]);
        words[index] = ++value;
        arch_irq_restore(flags);
    }
    latch_arrive(&load.done);
}

/* Move what is mapped at `va`. Returns the bytes. */
static uint64_t move_at(struct selftest *t, uintptr_t va)
{
    uint64_t phys;
    unsigned level;
    int error;

    if (!pgtable_lookup(&kernel_pgtable, va, &phys, &level, NULL))
        return 0;
    phys = ALIGN_DOWN(phys, level ? LARGE_SIZE : PAGE_SIZE);
    error = space_evacuate(phys_to_page(phys));
    if (error != 0 && error != -EAGAIN)
        selftest_fail(t, __FILE__, __LINE__, "move of %#lx: %s", (unsigned long)va,
                      error_name(error));
    return error ? 0 : level ? LARGE_SIZE : PAGE_SIZE;
}

/* Large pages first, then they are split by protecting a part, then small ones. */
static uint64_t move_around(struct selftest *t)
{
    uint64_t until = clock_ns() + MOVES_NS, moved = 0;
    uint32_t random = 4711;

    while (clock_ns() < until && !READ_ONCE(load.stop)) {
        uintptr_t va = load.va + next_random(&random) % (AREA / PAGE_SIZE) * PAGE_SIZE;

        moved += move_at(t, va);
        if (next_random(&random) % 32 == 0)
            EXPECT_EQ(t, space_protect(va, PAGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
        if (next_random(&random) % 64 == 0)
            thread_yield();
    }
    return moved;
}

static void test_moves(struct selftest *t)
{
    struct space_stats before, after;
    unsigned threads;
    uint64_t moved;

    latch_init(&load.done);
    load.writers = cpu_count();
    load.next = 0;
    load.stop = false;
    load.rounds = load.stall_ns = 0;
    load.va = space_reserve(AREA, LARGE_SIZE);
    EXPECT(t, load.va != 0);
    EXPECT_EQ(t, space_commit(load.va, AREA, SPACE_READ | SPACE_WRITE), 0);
    if (t->failed)
        return;
    space_stats_get(&before);
    threads = start_threads(t, load.writers, write_and_check, t);
    threads += start_threads(t, 1, write_with_interrupts_off, t);
    moved = move_around(t);
    WRITE_ONCE(load.stop, true);
    latch_wait(t, &load.done, threads);
    space_stats_get(&after);
    EXPECT(t, moved > (arch_pgtable_levels[1].leaf ? LARGE_SIZE : PAGE_SIZE));
    EXPECT_EQ(t, after.moved - before.moved, moved);
    EXPECT(t, load.rounds > 0);
    kprintf("# %llu MiB moved, %llu waits, %llu splits, longest access %llu us\n",
            (unsigned long long)moved >> 20, (unsigned long long)(after.waits - before.waits),
            (unsigned long long)(after.splits - before.splits),
            (unsigned long long)load.stall_ns / 1000);
    EXPECT_EQ(t, space_release(load.va, AREA), 0);
    mm_check();
}
SELFTEST(space_moves_pages_under_load, test_moves);
