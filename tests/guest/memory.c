/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page allocation on the real machine: contents, alignment, contiguous ranges, the direct map.
 */
#include "guest.h"
#include <arch/trap.h>
#include <neap/alloc.h>
#include <neap/cpu.h>
#include <neap/errors.h>
#include <neap/memory.h>
#include <neap/panic.h>
#include <neap/pgtable.h>
#include <neap/reporting.h>
#include <neap/thread.h>

/* ---- a storm of allocations on every CPU ---- */

#define SLOTS     24
#define STEPS     1500
#define ORDERS    5
#define EXCHANGES 8

struct block {
    struct page *page;
    unsigned order;
    uint32_t seed;
};

static struct {
    struct latch done;
    struct spinlock lock;
    struct block exchange[EXCHANGES]; /* under lock: blocks that wander between threads */
    uint32_t next_seed;
} storm;

static void fill(const struct block *block)
{
    uint32_t *words = page_to_virt(block->page), value = block->seed;

    for (size_t i = 0; i < (PAGE_SIZE << block->order) / sizeof(*words); i += 61)
        words[i] = next_random(&value);
}

static bool intact(const struct block *block)
{
    const uint32_t *words = page_to_virt(block->page);
    uint32_t value = block->seed;

    for (size_t i = 0; i < (PAGE_SIZE << block->order) / sizeof(*words); i += 61)
        if (words[i] != next_random(&value))
            return false;
    return true;
}

static void give_up(struct selftest *t, struct block *block)
{
    if (block->page == NULL)
        return;
    if (!intact(block))
        selftest_fail(t, __FILE__, __LINE__,
                      "a block of order %u at frame %llu was overwritten", block->order,
                      (unsigned long long)page_to_pfn(block->page));
    free_pages(block->page, block->order);
    block->page = NULL;
}

static void take_new(struct selftest *t, struct block *block, uint32_t *random)
{
    block->order = next_random(random) % ORDERS;
    block->page =
        alloc_pages(block->order, next_random(random) % 2 ? PAGE_KERNEL : PAGE_MOVABLE, 0);
    if (block->page == NULL)
        return; /* small guests run out: that is fine */
    EXPECT_EQ(t, page_to_pfn(block->page) % (1u << block->order), 0);
    block->seed = next_random(random);
    fill(block);
}

static void swap_with_others(struct block *block, unsigned slot)
{
    irqflags_t flags = spin_lock(&storm.lock);
    struct block other = storm.exchange[slot];

    storm.exchange[slot] = *block;
    *block = other;
    spin_unlock(&storm.lock, flags);
}

static void storm_thread(void *arg)
{
    struct block blocks[SLOTS] = {{0}};
    uint32_t random = __atomic_add_fetch(&storm.next_seed, 77, __ATOMIC_RELAXED);

    for (unsigned i = 0; i < STEPS; i++) {
        struct block *block = &blocks[next_random(&random) % SLOTS];

        if (next_random(&random) % 4 == 0) {
            swap_with_others(block, next_random(&random) % EXCHANGES);
        } else {
            give_up(arg, block);
            take_new(arg, block, &random);
        }
    }
    for (unsigned i = 0; i < SLOTS; i++)
        give_up(arg, &blocks[i]);
    latch_arrive(&storm.done);
}

static void test_storm(struct selftest *t)
{
    unsigned threads = cpu_count() + 1;

    latch_init(&storm.done);
    spin_init(&storm.lock, "test", LOCK_RANK_SMP);
    storm.next_seed = 12345;
    latch_wait(t, &storm.done, start_threads(t, threads, storm_thread, t));
    for (unsigned i = 0; i < EXCHANGES; i++)
        give_up(t, &storm.exchange[i]);
    mm_check();
}
SELFTEST(alloc_storm_keeps_contents, test_storm);

static void test_zero(struct selftest *t)
{
    struct page *page = alloc_pages(2, PAGE_MOVABLE, ALLOC_DEFAULT);
    const uint64_t *words;
    uint64_t all = 0;

    EXPECT(t, page != NULL);
    if (page == NULL)
        return;
    for (size_t i = 0; i < (PAGE_SIZE << 2) / sizeof(uint64_t); i++)
        ((uint64_t *)page_to_virt(page))[i] = UINT64_MAX;
    free_pages(page, 2);
    page = alloc_pages(2, PAGE_MOVABLE, ALLOC_ZERO);
    EXPECT(t, page != NULL);
    if (page == NULL)
        return;
    words = page_to_virt(page);
    for (size_t i = 0; i < (PAGE_SIZE << 2) / sizeof(uint64_t); i++)
        all |= words[i];
    EXPECT_EQ(t, all, 0);
    free_pages(page, 2);
}
SELFTEST(alloc_zero_is_zero, test_zero);

static void test_too_large(struct selftest *t)
{
    struct memory_stats stats;

    EXPECT(t, alloc_pages(MAX_ORDER + 1, PAGE_MOVABLE, ALLOC_DEFAULT) == NULL);
    memory_stats_get(&stats);
    EXPECT(t, alloc_contiguous(stats.total / PAGE_SIZE + 1, 1, PAGE_MOVABLE, 0) == NULL);
}
SELFTEST(alloc_refuses_what_cannot_be, test_too_large);

/* ---- the direct map ---- */

static void write_word(void *arg)
{
    *(volatile uint64_t *)arg = 1;
}

/* Small pages that other threads may map or unmap meanwhile: stacks of those that end. */
#define SLACK 256

/* Protecting one page splits a large one; taking it back and merging restores the counts. */
static void test_direct_map(struct selftest *t)
{
    struct page *page = alloc_pages(MAX_ORDER, PAGE_KERNEL, ALLOC_DEFAULT);
    uintptr_t va = page ? (uintptr_t)page_to_virt(page) : 0;
    uint64_t before[PGTABLE_LEVELS_MAX] = {0};
    unsigned level = 0, after_level = 0;

    if (page == NULL) {
        selftest_skip(t, "no free block of 4 MiB");
        return;
    }
    for (unsigned i = 0; i < arch_pgtable_nr_levels; i++)
        before[i] = kernel_pgtable.leaves[i];
    EXPECT(t, pgtable_lookup(&kernel_pgtable, va, NULL, &level, NULL));
    if (!arch_pgtable_levels[1].leaf) {
        free_pages(page, MAX_ORDER);
        selftest_skip(t, "this CPU has no large pages");
        return;
    }
    EXPECT(t, level > 0); /* mapped with a large page */
    EXPECT_EQ(t, pgtable_protect(&kernel_pgtable, va, PAGE_SIZE, PROT_KERNEL_RO), 0);
    EXPECT(t, pgtable_lookup(&kernel_pgtable, va, NULL, &after_level, NULL));
    EXPECT_EQ(t, after_level, 0);
    EXPECT(t, kernel_pgtable.leaves[0] >= before[0] + PAGEBLOCK_PAGES - SLACK);
    EXPECT_EQ(t, kernel_pgtable.leaves[level], before[level] - 1);
    EXPECT(t, arch_trap_expect(write_word, (void *)va, NULL) >= 0);
    EXPECT_EQ(t, arch_trap_expect(write_word, (void *)(va + PAGE_SIZE), NULL), -1);
    EXPECT_EQ(t, pgtable_protect(&kernel_pgtable, va, PAGE_SIZE, PROT_KERNEL_RW), 0);
    EXPECT_EQ(t, arch_trap_expect(write_word, (void *)va, NULL), -1);
    va = ALIGN_DOWN(va, UINT64_C(1) << arch_pgtable_levels[level].shift);
    EXPECT(t, pgtable_merge(&kernel_pgtable, va,
                            UINT64_C(1) << arch_pgtable_levels[level].shift) > 0);
    EXPECT_EQ(t, kernel_pgtable.leaves[level], before[level]);
    EXPECT(t, kernel_pgtable.leaves[0] <= before[0] + SLACK);
    free_pages(page, MAX_ORDER);
}
SELFTEST(direct_map_splits_and_merges, test_direct_map);

/* ---- accounting ---- */

static void test_accounting(struct selftest *t)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    EXPECT(t, stats.free <= stats.total);
    /* Raw memory may be reported: those two overlap. */
    EXPECT(t,
           stats.warm + stats.cpu_cache + MAX(stats.reported, stats.raw) <= stats.free + MIB);
    EXPECT(t, stats.kernel + stats.movable + stats.ballooned <= stats.total);
    EXPECT(t, stats.largest_free <= stats.free);
    EXPECT(t, stats.image > 0);
}
SELFTEST(memory_counts_add_up, test_accounting);

static void test_injection(struct selftest *t)
{
    struct page *page;

    if (!DEBUG_BUILD) {
        selftest_skip(t, "failures are injected in debug builds only");
        return;
    }
    preempt_disable();
    alloc_inject_failure(1, 0);
    page = alloc_pages(0, PAGE_MOVABLE, ALLOC_ATOMIC);
    alloc_inject_failure(0, 0);
    preempt_enable();
    EXPECT(t, page == NULL);
    if (page)
        free_pages(page, 0);
}
SELFTEST(alloc_failure_can_be_injected, test_injection);

/* ---- reporting ---- */

static void test_reporting(struct selftest *t)
{
    struct reporting_stats before, after;
    struct memory_stats memory;

    reporting_stats_get(&before);
    if (!before.active || !before.enabled) {
        selftest_skip(t, "no device takes reports, or reporting is off");
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        struct page *page = alloc_pages(MAX_ORDER, PAGE_MOVABLE, ALLOC_DEFAULT);

        if (page)
            free_pages(page, MAX_ORDER);
    }
    EXPECT_EQ(t, reporting_flush(), 0);
    reporting_stats_get(&after);
    memory_stats_get(&memory);
    EXPECT(t, after.reported_bytes > before.reported_bytes || memory.reported > 0);
    EXPECT(t, memory.reported > 0);
    EXPECT_EQ(t, after.errors, before.errors);
    EXPECT_EQ(t, reporting_set_order(MAX_ORDER + 1), -EINVAL);
}
SELFTEST(reporting_flush_reports_what_is_free, test_reporting);
