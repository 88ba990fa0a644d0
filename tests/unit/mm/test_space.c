/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: the address space against a model of which page is committed and holds what. */
#include "../../../mm/space.h"
#include "support.h"

#define MODEL_PAGES 3072 /* 12 MiB: six large pages */

static uintptr_t base;
static struct {
    bool committed;
    unsigned prot;
    uint64_t stamp; /* 0: untouched or zero */
} model[MODEL_PAGES];

static uintptr_t page_va(uint64_t i)
{
    return base + i * PAGE_SIZE;
}

static uint64_t *word_of(uint64_t i)
{
    return (uint64_t *)(page_va(i) + (i * 8) % PAGE_SIZE);
}

static void start(uint64_t memory)
{
    shim_boot(memory);
    base = space_reserve(MODEL_PAGES * PAGE_SIZE, LARGE_SIZE);
    CHECK(base != 0 && IS_ALIGNED(base, LARGE_SIZE));
}

static void check_page(uint64_t i)
{
    bool readable = model[i].committed && model[i].prot != SPACE_NONE;

    if (!readable) {
        CHECK(!shim_try_access(page_va(i), false));
        return;
    }
    if (!(model[i].prot & SPACE_WRITE))
        CHECK(!shim_try_access(page_va(i), true));
    CHECK_EQ(*word_of(i), model[i].stamp);
}

static void check_counts(void)
{
    struct space_stats stats;
    uint64_t committed = 0;

    for (uint64_t i = 0; i < MODEL_PAGES; i++)
        committed += model[i].committed;
    space_stats_get(&stats);
    CHECK_EQ(stats.committed, committed * PAGE_SIZE);
    CHECK_EQ(stats.resident + space_promised_pages() * PAGE_SIZE, stats.committed);
    shim_chaos_held = true;
    space_check();
    shim_chaos_held = false;
}

/* Reading fills pages in, so most steps look at a few pages only. */
static void check_some(unsigned count)
{
    while (count-- > 0)
        check_page(unit_random_below(MODEL_PAGES));
}

static void check_all(void)
{
    for (uint64_t i = 0; i < MODEL_PAGES; i++)
        check_page(i);
    check_counts();
    check_everything();
}

static void random_range(uint64_t *first, uint64_t *pages)
{
    uint64_t align = UINT64_C(1) << unit_random_below(11);
    uint64_t wish = 1 + unit_random_below(2 * align);

    *first = unit_random_below(MODEL_PAGES) & ~(align - 1);
    *pages = MIN(wish, MODEL_PAGES - *first);
}

static const unsigned prots[] = {SPACE_NONE, SPACE_READ, SPACE_READ | SPACE_EXEC,
                                 SPACE_READ | SPACE_WRITE, SPACE_READ | SPACE_WRITE};

static void model_commit(uint64_t first, uint64_t pages, unsigned prot)
{
    for (uint64_t i = first; i < first + pages; i++) {
        if (!model[i].committed)
            model[i].prot = prot;
        model[i].committed = true;
    }
}

static void model_forget(uint64_t first, uint64_t pages, bool committed)
{
    for (uint64_t i = first; i < first + pages; i++) {
        model[i].stamp = 0;
        model[i].committed = model[i].committed && committed;
    }
}

static bool all_committed(uint64_t first, uint64_t pages)
{
    for (uint64_t i = first; i < first + pages; i++) {
        if (!model[i].committed)
            return false;
    }
    return true;
}

static void model_protect(uint64_t first, uint64_t pages, unsigned prot)
{
    int expected = all_committed(first, pages) ? 0 : -EINVAL;

    CHECK_EQ(space_protect(page_va(first), pages * PAGE_SIZE, prot), expected);
    for (uint64_t i = first; i < first + pages && expected == 0; i++)
        model[i].prot = prot;
}

static void write_pages(uint64_t first, uint64_t pages)
{
    for (uint64_t i = first; i < first + pages; i++) {
        if (!model[i].committed || !(model[i].prot & SPACE_WRITE))
            continue;
        model[i].stamp = unit_random();
        *word_of(i) = model[i].stamp;
    }
}

/* Move the block of a random page, if it has one. */
static void move_one(void)
{
    uint64_t phys, i = unit_random_below(MODEL_PAGES);
    struct page *page;
    unsigned level;
    int error;

    if (unit_random_below(4) == 0) {
        error = space_reform(page_va(i));
        CHECK(error == 0 || error == -EAGAIN || error == -ENOMEM);
        return;
    }
    if (!pgtable_lookup(&kernel_pgtable, page_va(i), &phys, &level, NULL))
        return;
    page = phys_to_page(ALIGN_DOWN(phys, level_size(level)));
    if (space_evacuate(page) == 0)
        CHECK(!pgtable_lookup(&kernel_pgtable, page_va(i), &phys, NULL, NULL) ||
              phys_to_page(phys) != page);
}

static void step(void)
{
    unsigned prot = prots[unit_random_below(ARRAY_SIZE(prots))];
    uint64_t first, pages, size;

    random_range(&first, &pages);
    size = pages * PAGE_SIZE;
    switch (unit_random_below(8)) {
    case 0:
    case 1:
        CHECK_EQ(space_commit(page_va(first), size, prot), 0);
        model_commit(first, pages, prot);
        break;
    case 2:
        CHECK_EQ(space_decommit(page_va(first), size), 0);
        model_forget(first, pages, false);
        break;
    case 3:
        CHECK_EQ(space_discard(page_va(first), size), 0);
        model_forget(first, pages, true);
        break;
    case 4:
        model_protect(first, pages, prot);
        break;
    case 5:
        move_one();
        break;
    default:
        write_pages(first, MIN(pages, UINT64_C(64)));
    }
}

TEST_CASES(space_random_operations, 6)
{
    shim_set_cpus(1 + test_case % 3);
    start(64 * MIB);
    if (test_case % 2)
        host_start(32, PAGE_SIZE);
    for (unsigned i = 0; i < 1500; i++) {
        step();
        check_some(2);
        if (i % 50 == 0)
            check_counts();
    }
    check_all();
    CHECK_EQ(space_release(base, MODEL_PAGES * PAGE_SIZE), 0);
    model_forget(0, MODEL_PAGES, false);
    check_all();
    CHECK_EQ(space_promised_pages(), 0);
}

/* Whatever allocation fails: an operation that says so has changed nothing. */
TEST_CASES(space_injected_failures, 4)
{
    start(64 * MIB);
    for (unsigned i = 0; i < 1200; i++) {
        uint64_t first, pages;
        int error;

        random_range(&first, &pages);
        write_pages(first, MIN(pages, UINT64_C(8)));
        memcache_drain(&kernel_pgtable.cache);
        alloc_inject_failure(1 + unit_random_below(4), unit_random_below(2));
        switch (unit_random_below(4)) {
        case 0:
            error = space_commit(page_va(first), pages * PAGE_SIZE, SPACE_READ | SPACE_WRITE);
            if (!error)
                model_commit(first, pages, SPACE_READ | SPACE_WRITE);
            break;
        case 1:
            error = space_decommit(page_va(first), pages * PAGE_SIZE);
            if (!error)
                model_forget(first, pages, false);
            break;
        case 2:
            error = space_discard(page_va(first), pages * PAGE_SIZE);
            if (!error)
                model_forget(first, pages, true);
            break;
        default:
            move_one();
            error = 0;
        }
        alloc_inject_failure(0, 0);
        CHECK(error == 0 || error == -ENOMEM);
        check_some(4);
        if (i % 50 == 0)
            check_counts();
    }
    check_all();
}

TEST(space_large_pages)
{
    struct space_stats stats;

    start(64 * MIB);
    CHECK_EQ(space_commit(base, 3 * LARGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    CHECK_EQ(space_promised_pages(), 3 * LARGE_PAGES);
    space_stats_get(&stats);
    CHECK_EQ(stats.resident, 0);
    *word_of(700) = 5; /* the second large page */
    space_stats_get(&stats);
    CHECK_EQ(stats.resident, LARGE_SIZE);
    CHECK_EQ(stats.huge, LARGE_SIZE);
    CHECK_EQ(stats.faults, 1);
    CHECK_EQ(space_promised_pages(), 2 * LARGE_PAGES);
    /* Part of it goes: the rest stays and keeps its contents. */
    CHECK_EQ(space_decommit(page_va(512), 8 * PAGE_SIZE), 0);
    space_stats_get(&stats);
    CHECK_EQ(stats.resident, LARGE_SIZE - 8 * PAGE_SIZE);
    CHECK_EQ(stats.huge, 0);
    CHECK_EQ(stats.splits, 1);
    CHECK_EQ(*word_of(700), 5);
    /* A whole table of waiting entries grows together again. */
    CHECK_EQ(space_commit(page_va(512), 8 * PAGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    CHECK_EQ(space_discard(base, 3 * LARGE_SIZE), 0);
    *word_of(700) = 6;
    space_stats_get(&stats);
    CHECK_EQ(stats.huge, LARGE_SIZE);
    space_check();
}

/* Fill a large page's range in small pages: no large one is free just then. */
static void touch_small(uint64_t first)
{
    CHECK_EQ(space_commit(page_va(first), LARGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    for (uint64_t i = first; i < first + LARGE_PAGES; i++) {
        if (i == first)
            alloc_inject_failure(1, 0);
        *word_of(i) = i + 1;
    }
}

static void check_touched(uint64_t first)
{
    for (uint64_t i = first; i < first + LARGE_PAGES; i++)
        CHECK_EQ(*word_of(i), i + 1);
}

TEST(space_reforms_large_pages)
{
    struct space_stats stats;

    start(64 * MIB);
    touch_small(0);
    touch_small(2 * LARGE_PAGES);
    space_stats_get(&stats);
    CHECK_EQ(stats.huge, 0);
    CHECK_EQ(stats.faults, 2 * LARGE_PAGES);
    shim_advance(NS_PER_S);
    space_stats_get(&stats);
    CHECK_EQ(stats.reformed, 2);
    CHECK_EQ(stats.huge, 2 * LARGE_SIZE);
    CHECK_EQ(stats.resident, 2 * LARGE_SIZE);
    check_touched(0);
    check_touched(2 * LARGE_PAGES);
    CHECK_EQ(shim_timers_armed(), 0);
    space_check();
    check_everything();
}

TEST(space_reforms_only_what_is_whole)
{
    struct space_stats stats;
    irqflags_t flags;
    struct page *page;
    uint64_t size;

    start(64 * MIB);
    touch_small(0);
    touch_small(LARGE_PAGES);
    touch_small(2 * LARGE_PAGES);
    CHECK_EQ(space_discard(page_va(7), PAGE_SIZE), 0);
    CHECK_EQ(space_protect(page_va(LARGE_PAGES + 7), PAGE_SIZE, SPACE_READ), 0);
    page = space_block_hold(page_va(2 * LARGE_PAGES + 7) + 100, SPACE_WRITE, &size, &flags);
    CHECK_EQ(size, PAGE_SIZE - 100);
    page->pins++;
    space_block_release(flags);
    CHECK_EQ(space_reform(page_va(0)), -EAGAIN);
    CHECK_EQ(space_reform(page_va(LARGE_PAGES)), -EAGAIN);
    CHECK_EQ(space_reform(page_va(2 * LARGE_PAGES)), -EBUSY);
    shim_advance(NS_PER_S);
    space_stats_get(&stats);
    CHECK_EQ(stats.reformed, 0);
    page->pins--;
    CHECK_EQ(space_reform(page_va(2 * LARGE_PAGES)), 0);
    check_touched(2 * LARGE_PAGES);
    space_check();
}
