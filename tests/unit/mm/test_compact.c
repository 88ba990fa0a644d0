/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: an idle guest puts its free memory together. */
#include "../../../mm/compact.h"
#include "../../../mm/elastic.h"
#include "area.h"
#include "plug.h"

#define AREA_PAGES (40 * MIB >> PAGE_SHIFT)

static struct plug plug;

static struct memory_stats stats_now(void)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return stats;
}

static void start(bool elastic)
{
    shim_boot(elastic ? 32 * MIB : 96 * MIB);
    if (elastic) {
        CHECK_EQ(plug_start(&plug, 5 * GIB, 64 * MIB, 2 * MIB), 0);
        CHECK_EQ(plug_add(&plug, 0, 32), 0);
    }
    area = space_reserve(AREA_PAGES * PAGE_SIZE, LARGE_SIZE);
    CHECK_EQ(space_commit(area, AREA_PAGES * PAGE_SIZE, AREA_PROT), 0);
    area_write(0, AREA_PAGES);
}

/* Of every `of` pages `keep` stay. */
static void thin(uint64_t keep, uint64_t of)
{
    for (uint64_t i = 0; i < AREA_PAGES; i += of) {
        uint64_t gone = MIN(of, AREA_PAGES - i);

        if (gone > keep)
            CHECK_EQ(space_decommit(area + (i + keep) * PAGE_SIZE, (gone - keep) * PAGE_SIZE),
                     0);
    }
}

static void check_thinned(uint64_t keep, uint64_t of)
{
    for (uint64_t i = 0; i < AREA_PAGES; i += of)
        area_check(i, MIN(i + keep, AREA_PAGES));
    space_check();
    check_everything();
}

static uint64_t free_in_pageblocks(void)
{
    struct buddy_counts counts;
    uint64_t bytes = 0;

    buddy_counts_get(&counts);
    for (unsigned order = PAGEBLOCK_ORDER; order <= MAX_ORDER; order++)
        bytes += counts.free[order] * PAGE_SIZE << order;
    return bytes;
}

/* Without a request, what is free becomes whole pageblocks, and the host has it. */
TEST_CASES(compact_when_idle, 6)
{
    static const uint64_t ofs[] = {2, 10, 512};
    const uint64_t of = ofs[test_case % 3];
    struct memory_stats before, after;

    start(test_case < 3);
    host_start(8, 0);
    thin(1, of);
    before = stats_now();
    CHECK(before.in_pieces >= 8 * MIB);
    shim_advance(2 * NS_PER_S);
    after = stats_now();
    CHECK(after.in_pieces < 4 * MIB);
    CHECK_EQ(after.free / MIB, before.free / MIB);
    CHECK(after.compacted > 0);
    CHECK(after.compacted <= AREA_PAGES / of * PAGE_SIZE + PAGE_SIZE);
    CHECK(free_in_pageblocks() + 6 * MIB >= after.free);
    CHECK(after.reported + 6 * MIB >= after.free);
    CHECK_EQ(after.kernel, before.kernel);
    check_thinned(1, of);
    /* Nothing is left to do. */
    shim_advance(10 * NS_PER_S);
    CHECK_EQ(stats_now().compacted, after.compacted);
}

/* What stays in use lies in the lowest subblocks, so that an unplug has nothing to move. */
TEST(compact_frees_subblocks)
{
    struct space_stats before, after;
    uint64_t left;

    start(true);
    thin(1, 10);
    shim_advance(2 * NS_PER_S);
    left = (AREA_PAGES / 10 * PAGE_SIZE) / (2 * MIB) + 2;
    for (uint64_t i = left; i < 32; i++)
        CHECK_EQ(elastic_free_in(&plug.region, i), PAGEBLOCK_PAGES);
    space_stats_get(&before);
    while (plug.region.plugged > left)
        CHECK(plug_take(&plug, plug.region.plugged - left) > 0);
    space_stats_get(&after);
    CHECK_EQ(after.moved, before.moved);
    plug_check(&plug);
    check_thinned(1, 10);
}

/* Dense memory is left alone, and so is a little free memory. */
TEST_CASES(compact_leaves_dense_memory, 4)
{
    start(test_case < 2);
    if (test_case % 2)
        thin(9, 10);
    else
        CHECK_EQ(space_discard(area + PAGE_SIZE, MIB), 0);
    shim_advance(10 * NS_PER_S);
    CHECK_EQ(stats_now().compacted, 0);
    check_everything();
}

/* Not while another CPU has something to do. */
TEST(compact_waits_until_idle)
{
    shim_set_cpus(2);
    start(true);
    cpus[1]->idle = false;
    thin(1, 10);
    shim_advance(10 * NS_PER_S);
    CHECK_EQ(stats_now().compacted, 0);
    cpus[1]->idle = true;
    shim_advance(2 * NS_PER_S);
    CHECK(stats_now().compacted > 0);
    CHECK(stats_now().in_pieces < 4 * MIB);
    check_thinned(1, 10);
}

/* What comes free behind the back of a pass is found by the next one. */
TEST(compact_looks_again)
{
    uint64_t calls;

    shim_set_cpus(2);
    start(true);
    cpus[1]->idle = true;
    thin(8, 10);
    /* A pass begins by emptying the lists of all CPUs. */
    for (calls = shim_cross_calls; shim_cross_calls == calls;)
        thread_yield();
    CHECK_EQ(stats_now().compacted, 0);
    thin(1, 10);
    shim_advance(2 * NS_PER_S);
    CHECK(stats_now().compacted > 0);
    CHECK(stats_now().in_pieces < 4 * MIB);
    check_thinned(1, 10);
}

/* A pinned page stays, with its pageblock; all others go. */
TEST(compact_respects_pins)
{
    struct page *pinned;

    start(true);
    thin(1, 10);
    pinned = area_block(AREA_PAGES / 10 / 2 * 10);
    pinned->pins = 1;
    shim_advance(2 * NS_PER_S);
    CHECK(area_block(AREA_PAGES / 10 / 2 * 10) == pinned);
    CHECK(stats_now().in_pieces < 4 * MIB);
    pinned->pins = 0;
    check_thinned(1, 10);
}

/* Memory that was promised is there at every moment: with too little spare, nothing moves. */
TEST(compact_keeps_promises)
{
    start(true);
    thin(1, 10);
    test_promised = memory_movable_free() - space_promised_pages() + test_promised - 16;
    shim_advance(5 * NS_PER_S);
    CHECK_EQ(stats_now().compacted, 0);
}

/* The application, the host's requests and compaction at once. */
TEST_CASES(compact_storm, 6)
{
    bool alive[AREA_PAGES / LARGE_PAGES * 4] = {false};
    const uint64_t part = LARGE_PAGES / 4;

    shim_set_cpus(2);
    cpus[1]->idle = true;
    start(test_case % 2);
    host_start(8, 0);
    memset(alive, true, sizeof(alive));
    shim_chaos(test_case + 1);
    for (unsigned i = 0; i < 400; i++) {
        uint64_t which = unit_random_below(ARRAY_SIZE(alive)), at = which * part;

        switch (unit_random_below(4)) {
        case 0:
            CHECK_EQ(space_discard(area + at * PAGE_SIZE, part * PAGE_SIZE), 0);
            alive[which] = false;
            break;
        case 1:
            area_write(at, at + part);
            alive[which] = true;
            break;
        case 2:
            if (test_case % 2 && plug_take(&plug, 2) > 0)
                for (uint64_t n = 0; n < 32; n++)
                    CHECK(plug.plugged[n] || plug_add(&plug, n, n + 1) == 0);
            break;
        default:
            shim_advance(unit_random_below(200 * NS_PER_MS));
        }
        check_everything();
    }
    for (uint64_t i = 0; i < ARRAY_SIZE(alive); i++)
        if (alive[i])
            area_check(i * part, (i + 1) * part);
    CHECK(stats_now().compacted > 0);
    space_check();
}
