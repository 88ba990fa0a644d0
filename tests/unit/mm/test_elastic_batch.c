/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: subblocks that leave together, and who is asked to leave them last. */
#include "plug.h"
#include <neap/movable.h>

static struct plug plug;

static void start(uint64_t size, uint64_t subblock)
{
    CHECK_EQ(plug_start(&plug, 5 * GIB, size, subblock), 0);
    CHECK_EQ(plug_add(&plug, 0, size / subblock), 0);
}

static unsigned count_lent(void)
{
    unsigned lent = 0;

    for (unsigned i = 0; i < nr_movers; i++)
        lent += movers[i].lent;
    return lent;
}

static uint64_t pages_until_cancel;

static void cancel_later(struct page *page UNUSED)
{
    if (pages_until_cancel-- == 0)
        plug_cancel = true;
}

/* More than is left. */
static void promise(struct page *page UNUSED)
{
    test_promised = memory_movable_free() + buddy.kernel_floor;
}

static void pin_one(struct page *page)
{
    page->pins = 1;
}

/* What is lent leaves only when all else has left: a take that fails takes nothing from it. */
TEST(elastic_lenders_are_asked_last)
{
    shim_boot(64 * MIB);
    start(16 * MIB, 16 * MIB);
    for (unsigned i = 0; i < 50; i++)
        CHECK(mover_lend(0) != NULL);
    for (unsigned i = 0; i < 50; i++)
        CHECK(mover_new(0) && mover_lend(0));
    on_evacuate = pin_one;
    CHECK_EQ(plug_take(&plug, 1), -EBUSY);
    CHECK_EQ(count_lent(), 100);
    for (unsigned i = 0; i < nr_movers; i++)
        movers[i].page->pins = 0;
    on_evacuate = promise;
    CHECK_EQ(plug_take(&plug, 1), -ENOMEM);
    test_promised = 0;
    CHECK_EQ(count_lent(), 100);
    CHECK(mover_new(4));
    pages_until_cancel = 0;
    on_evacuate = cancel_later;
    CHECK_EQ(plug_take(&plug, 1), -ECANCELED);
    CHECK_EQ(count_lent(), 100);
    plug_cancel = false;
    on_evacuate = NULL;
    CHECK_EQ(plug_take(&plug, 1), 1);
    CHECK_EQ(count_lent(), 0);
    mover_check_all();
    plug_check(&plug);
}

/* All memory is in use: what is lent needs no room and goes, wherever it lies. */
TEST(elastic_lent_subblocks_go_without_room)
{
    shim_boot(64 * MIB);
    start(32 * MIB, 2 * MIB);
    for (unsigned i = 0; i < 4; i++)
        CHECK(mover_lend(9) != NULL);
    memory_account_balloon(4 * (int64_t)PAGEBLOCK_PAGES);
    while (mover_new(0))
        ;
    CHECK_EQ(plug_take(&plug, 16), 1);
    memory_account_balloon(-(int64_t)PAGEBLOCK_PAGES);
    CHECK_EQ(count_lent(), 3);
    CHECK_EQ(moved_pages, 0);
    while (plug_take(&plug, 16) == 1)
        memory_account_balloon(-(int64_t)PAGEBLOCK_PAGES);
    CHECK_EQ(count_lent(), 0);
    CHECK(plug_why.missing > 0);
    mover_check_all();
    plug_check(&plug);
}

/* One page in ten is live everywhere: neighbours go in one request, but no more than asked. */
TEST(elastic_neighbours_go_together)
{
    unsigned requests = 0;
    uint64_t moved;

    shim_boot(96 * MIB);
    start(128 * MIB, 2 * MIB);
    plug_scatter(10);
    CHECK_EQ(plug_take(&plug, 3), 3);
    CHECK_EQ(plug_take(&plug, 100), 16);
    CHECK(!plug.plugged[63] && !plug.plugged[45] && plug.plugged[44]);
    plug_check(&plug);
    /* A change of mind ends it at once; what is empty by then goes first the next time. */
    pages_until_cancel = 130;
    moved = moved_pages;
    on_evacuate = cancel_later;
    CHECK_EQ(plug_take(&plug, 100), -ECANCELED);
    CHECK(moved_pages - moved > 130 && moved_pages - moved <= 130 + SPACE_BATCH_MAX);
    CHECK_EQ(plug.region.plugged, 64 - 19);
    on_evacuate = NULL;
    plug_cancel = false;
    plug_check(&plug);
    while (plug_take(&plug, 100) > 0)
        requests++;
    CHECK_EQ(plug.region.plugged, 0);
    CHECK(requests <= 8);
    mover_check_all();
    plug_check(&plug);
}

/* A neighbour with much to move stays until it is the cheapest itself. */
TEST(elastic_spares_dear_neighbours)
{
    shim_boot(64 * MIB);
    start(16 * MIB, 2 * MIB);
    plug_scatter(4);
    for (unsigned i = nr_movers; i-- > 0;) {
        uint64_t number = (page_to_phys(movers[i].page) - 5 * GIB) / (2 * MIB);

        /* 4 and below have 128 pages, 5 and 6 have 32, 7 has 64. */
        if ((number == 5 || number == 6) && page_to_pfn(movers[i].page) % 16)
            mover_free(i);
        else if (number == 7 && page_to_pfn(movers[i].page) % 8)
            mover_free(i);
    }
    CHECK_EQ(plug_take(&plug, 100), 3);
    CHECK(plug.plugged[4] && !plug.plugged[5] && !plug.plugged[7]);
    mover_check_all();
    plug_check(&plug);
}
