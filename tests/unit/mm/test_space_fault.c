/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: faults that fill in, that wait for a move, that find no memory. */
#include "area.h"
#include <neap/thread.h>

#define MOVE_NS (50 * NS_PER_US)

static unsigned answered, finished;

/* What a spinning fault must do: the mover waits for this CPU to flush. */
void smp_call_ipi(void)
{
    answered++;
}

static uint64_t waits(void)
{
    struct space_stats stats;

    space_stats_get(&stats);
    return stats.waits;
}

static uint64_t longest_wait(void)
{
    struct space_stats stats;

    space_stats_get(&stats);
    return stats.wait_max;
}

static void fault_at_first(void *arg)
{
    CHECK(space_fault(area, (unsigned)(uintptr_t)arg, true));
    finished++;
}

TEST(fault_sleeps_until_a_move_is_over)
{
    area_start(64 * MIB, LARGE_SIZE);
    area_split(0);
    area_take_away(0, 0);
    for (uintptr_t i = 0; i < 3; i++)
        CHECK(thread_create("user", THREAD_NORMAL, fault_at_first, (void *)(1 + i % 2)));
    shim_settle();
    CHECK_EQ(waits(), 3);
    shim_advance(NS_PER_S);
    CHECK_EQ(finished, 0);
    CHECK_EQ(answered, 0);
    area_put_back(0);
    shim_settle();
    CHECK_EQ(finished, 3);
    CHECK(longest_wait() >= NS_PER_S);
    area_check(0, LARGE_PAGES);
}

TEST(fault_spins_where_it_may_not_sleep)
{
    uint64_t before;

    area_start(64 * MIB, LARGE_SIZE);
    area_split(0);
    area_take_away(7, MOVE_NS);
    before = clock_ns();
    preempt_disable();
    CHECK(space_fault(area + 7 * PAGE_SIZE, SPACE_WRITE, false));
    preempt_enable();
    CHECK(clock_ns() >= before + MOVE_NS);
    CHECK(answered > 0);
    CHECK_EQ(waits(), 1);
    CHECK(longest_wait() >= MOVE_NS && longest_wait() <= clock_ns() - before);
    /* A shorter one is not the longest. */
    before = longest_wait();
    area_take_away(7, MOVE_NS / 4);
    CHECK(space_fault(area + 7 * PAGE_SIZE, SPACE_WRITE, true));
    CHECK_EQ(waits(), 2);
    CHECK_EQ(longest_wait(), before);
    area_check(0, LARGE_PAGES);
}

TEST(fault_refuses_what_is_not_allowed)
{
    area_start(64 * MIB, 2 * LARGE_SIZE);
    area_write(0, 1);
    CHECK(!space_fault(area, SPACE_EXEC, true));
    CHECK(!space_fault(area + LARGE_SIZE, SPACE_EXEC, true));
    CHECK(!space_fault(area + 2 * LARGE_SIZE, SPACE_READ, true));
    CHECK_EQ(space_protect(area, LARGE_SIZE, SPACE_NONE), 0);
    CHECK(!space_fault(area, SPACE_READ, true));
    CHECK_EQ(space_protect(area, LARGE_SIZE, SPACE_READ), 0);
    CHECK(space_fault(area, SPACE_READ, true));
    CHECK(!space_fault(area, SPACE_WRITE, true));
    /* Nor while it is moved. */
    area_take_away(0, 0);
    CHECK(!space_fault(area, SPACE_WRITE, true));
    CHECK_EQ(waits(), 0);
    area_put_back(0);
}

/* Zeroing a large page takes too long there, and one may not be found at once. */
TEST(fault_takes_single_pages_where_it_may_not_sleep)
{
    struct space_stats stats;

    area_start(64 * MIB, LARGE_SIZE);
    preempt_disable();
    CHECK(space_fault(area + 5, SPACE_WRITE, false));
    preempt_enable();
    space_stats_get(&stats);
    CHECK_EQ(stats.resident, PAGE_SIZE);
    CHECK_EQ(stats.huge, 0);
    CHECK_EQ(*area_word(0), 0);
    space_check();
}

/* A gigabyte waits in one entry: without a table for it a large page is of no use. */
TEST(fault_without_a_table_takes_a_single_page)
{
    struct space_stats stats;

    shim_boot(2 * GIB);
    area = space_reserve(GIB, GIB);
    CHECK_EQ(space_commit(area, GIB, AREA_PROT), 0);
    memcache_drain(&kernel_pgtable.cache);
    alloc_inject_failure(2, 0);
    CHECK(space_fault(area, SPACE_WRITE, true));
    space_stats_get(&stats);
    CHECK_EQ(stats.resident, PAGE_SIZE);
    space_check();
    check_everything();
}

TEST_CASES(fault_without_memory_panics, 2)
{
    area_start(64 * MIB, LARGE_SIZE);
    alloc_inject_failure(1, 1);
    if (test_case == 0)
        EXPECT_PANIC("no memory for the first touch",
                     (void)space_fault(area, SPACE_READ, true));
    else
        EXPECT_PANIC("may not wait for more",
                     (preempt_disable(), (void)space_fault(area, SPACE_READ, false)));
}

TEST(fault_without_a_table_at_all_panics)
{
    area_start(64 * MIB, LARGE_SIZE);
    memcache_drain(&kernel_pgtable.cache);
    preempt_disable();
    alloc_inject_failure(2, 1);
    EXPECT_PANIC("no page table for the first touch",
                 (void)space_fault(area, SPACE_READ, false));
}

static void toucher(void *arg)
{
    for (uint64_t i = 0; i < 2 * LARGE_PAGES; i++) {
        CHECK_EQ(*area_word(i) & ~UINT64_C(0xff), 0);
        *area_word(i) |= UINT64_C(1) << (uintptr_t)arg;
        if (i % 16 == (uintptr_t)arg)
            CHECK(space_fault(area + i * PAGE_SIZE, SPACE_READ, true));
    }
    finished++;
}

/* Many touch the same page at once: one fills it in, nothing is lost. */
TEST_CASES(fault_races, 6)
{
    shim_set_cpus(2);
    area_start(64 * MIB, 2 * LARGE_SIZE);
    shim_chaos(test_case + 1);
    if (test_case % 2)
        alloc_inject_failure(1, 0);
    for (uintptr_t i = 0; i < 4; i++)
        CHECK(thread_create("toucher", THREAD_NORMAL, toucher, (void *)i) != NULL);
    while (finished < 4)
        thread_yield();
    shim_chaos(0);
    alloc_inject_failure(0, 0);
    for (uint64_t i = 0; i < 2 * LARGE_PAGES; i++)
        CHECK_EQ(*area_word(i), 15);
    space_check();
    CHECK_EQ(space_release(area, 2 * LARGE_SIZE), 0);
    check_everything();
}

static void changer(void *arg)
{
    for (unsigned i = 0; i < 200; i++) {
        CHECK_EQ(space_discard(area, PAGE_SIZE), 0);
        if (i % 4 == 0 && area_block(1))
            (void)space_evacuate(area_block(1));
        thread_yield();
    }
    (*(unsigned *)arg)++;
}

/* What is held is there, whatever others do to it. */
TEST_CASES(fault_then_hold, 3)
{
    irqflags_t flags;
    uint64_t size;

    area_start(64 * MIB, LARGE_SIZE);
    area_split(0);
    shim_chaos(test_case + 1);
    CHECK(thread_create("changer", THREAD_NORMAL, changer, &finished) != NULL);
    while (!finished) {
        for (uint64_t i = 0; i < 2; i++) {
            struct page *page =
                space_block_hold(area + i * PAGE_SIZE, SPACE_WRITE, &size, &flags);

            CHECK(page && page->state == PAGE_ALLOCATED);
            CHECK_EQ(page->owner, area + i * PAGE_SIZE);
            CHECK_EQ(size, PAGE_SIZE);
            space_block_release(flags);
        }
        thread_yield();
    }
    CHECK(space_block_hold(HEAP_BASE - PAGE_SIZE, SPACE_READ, &size, &flags) == NULL);
    area_check(1, LARGE_PAGES);
}
