/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: memory that is in use leaves, or says why not. */
#include "plug.h"
#include <neap/pin.h>

static struct plug plug;

static void start(uint64_t size, uint64_t subblock)
{
    CHECK_EQ(plug_start(&plug, 5 * GIB, size, subblock), 0);
    CHECK_EQ(plug_add(&plug, 0, size / subblock), 0);
}

/* The worst fragmentation: a few pages of every subblock are alive. */
TEST_CASES(elastic_evacuates, 4)
{
    static const unsigned keeps[] = {2, 10, 512, 64};

    shim_boot(test_case == 0 ? 256 * MIB : 64 * MIB);
    start(96 * MIB, test_case == 3 ? MIB : 2 * MIB);
    plug_scatter(keeps[test_case]);
    plug_check(&plug);
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK_EQ(plug.region.plugged, 0);
    CHECK(moved_pages > 0);
    plug_check(&plug);
    mover_check_all();
    mover_free_all();
}

/* Free subblocks go first, together; then what costs least, from the highest address down. */
TEST(elastic_takes_the_cheapest)
{
    uint64_t before;

    shim_boot(64 * MIB);
    start(32 * MIB, 2 * MIB);
    plug_scatter(256);
    for (unsigned i = nr_movers; i-- > 0;) {
        uint64_t number = (page_to_phys(movers[i].page) - 5 * GIB) / (2 * MIB);

        /* 5, 6 and 12 become free, 9 has one page, the others two. */
        if (number == 5 || number == 6 || number == 12 ||
            (number == 9 && page_to_pfn(movers[i].page) % 512))
            mover_free(i);
    }
    alloc_drain_cpu_caches();
    CHECK_EQ(plug_take(&plug, 100), 1);
    CHECK(!plug.plugged[12]);
    CHECK_EQ(plug_take(&plug, 100), 2);
    CHECK(!plug.plugged[5] && !plug.plugged[6]);
    before = moved_pages;
    CHECK_EQ(plug_take(&plug, 1), 1);
    CHECK(!plug.plugged[9]);
    CHECK_EQ(moved_pages, before + 1);
    CHECK_EQ(plug_take(&plug, 1), 1);
    CHECK(!plug.plugged[15]);
    /* Neighbours go together. */
    CHECK_EQ(plug_take(&plug, 100), 2);
    CHECK(!plug.plugged[14] && !plug.plugged[13] && plug.plugged[11]);
    plug_check(&plug);
    mover_check_all();
}

/* What does not fit elsewhere stays, and the bytes are named; memory that comes free wakes. */
TEST(elastic_missing_bytes)
{
    struct memory_stats stats;
    uint64_t plugged, calls;

    shim_boot(64 * MIB);
    start(64 * MIB, 2 * MIB);
    while (mover_new(0))
        ;
    while (nr_movers > 17000)
        mover_free(nr_movers - 1);
    CHECK_EQ(plug_take_all(&plug), -ENOMEM);
    plug_check(&plug);
    mover_check_all();
    plugged = plug.region.plugged;
    CHECK(plugged > 0);
    memory_stats_get(&stats);
    /* Without the floor less than one subblock is free. */
    CHECK(stats.free < 5 * MIB);
    CHECK_EQ(plug_take(&plug, plugged), -ENOMEM);
    CHECK(plug_why.missing > (plugged - 2) * 2 * MIB && plug_why.missing <= plugged * 2 * MIB);
    CHECK_EQ(plug_why.pinned + plug_why.kernel, 0);
    calls = plug.calls;
    for (unsigned i = 0; i < 600; i++)
        mover_free(nr_movers - 1);
    CHECK_EQ(plug.calls, calls + 1);
    CHECK(plug_take(&plug, plugged) > 0);
    plug_check(&plug);
}

/* Promised memory must stay, whether it is in use or not. */
TEST(elastic_promises_are_kept)
{
    struct memory_stats stats;

    shim_boot(64 * MIB);
    start(64 * MIB, 2 * MIB);
    test_promised = 100 * MIB >> PAGE_SHIFT;
    CHECK_EQ(plug_take_all(&plug), -ENOMEM);
    memory_stats_get(&stats);
    CHECK(stats.free >= 102 * MIB && stats.free < 104 * MIB);
    test_promised = 0;
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK_EQ(plug.region.plugged, 0);
}

/* A mover in the same subblock, in front of `page`. */
static const struct mover *mover_before(const struct page *page)
{
    for (unsigned i = 0; i < nr_movers; i++) {
        if (movers[i].page < page &&
            page_to_phys(movers[i].page) / (2 * MIB) == page_to_phys(page) / (2 * MIB))
            return &movers[i];
    }
    return NULL;
}

/*
 * A pin holds its subblock, by name, and nothing else; unpinning wakes who was refused, also
 * when the device is the last to have the page.
 */
TEST_CASES(elastic_pins_refuse, 2)
{
    const struct mover *neighbour = NULL;
    struct page *pinned = NULL, *place;
    uint64_t calls;

    shim_boot(64 * MIB);
    start(64 * MIB, 2 * MIB);
    plug_scatter(200);
    for (unsigned i = nr_movers / 2; !neighbour; i++) {
        pinned = movers[i].page;
        neighbour = mover_before(pinned);
    }
    place = neighbour->page;
    pinned->pins = 1;
    if (test_case) {
        CHECK(pin_buffer(page_to_phys(pinned) + 10, 100) == pinned);
        pinned->pins--;
    }
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK(plug.region.plugged <= 2);
    CHECK_EQ(plug_why.pinned, 2 * MIB);
    CHECK_EQ(strcmp(plug_why.holder, "test"), 0);
    /* Nothing is moved in vain. */
    CHECK(neighbour->page == place);
    plug_check(&plug);
    calls = plug.calls;
    if (test_case) {
        unpin_buffer(page_to_phys(pinned) + 10, 100);
    } else {
        pinned->pins = 0;
        elastic_look_again();
    }
    elastic_look_again();
    CHECK_EQ(plug.calls, calls + 1);
    CHECK_EQ(pinned->pins, 0);
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK_EQ(plug.region.plugged, 0);
    CHECK_EQ(plug_why.pinned, 0);
    mover_check_all();
}

static void cancel_now(struct page *page)
{
    (void)page;
    plug_cancel = moved_pages >= 20;
}

TEST(elastic_take_is_cancelled)
{
    struct memory_stats before, after;

    shim_boot(64 * MIB);
    start(8 * MIB, 8 * MIB);
    plug_scatter(50);
    memory_stats_get(&before);
    on_evacuate = cancel_now;
    CHECK_EQ(plug_take(&plug, 1), -ECANCELED);
    CHECK(moved_pages >= 20 && moved_pages < 25);
    memory_stats_get(&after);
    CHECK_EQ(after.free, before.free);
    plug_check(&plug);
    mover_check_all();
    on_evacuate = NULL;
    plug_cancel = false;
    CHECK_EQ(plug_take(&plug, 1), 1);
}

static void promise_all(struct page *page)
{
    (void)page;
    test_promised = memory_movable_free() + buddy.kernel_floor;
}

/* A promise made while memory is being emptied keeps what is isolated here. */
TEST(elastic_promise_during_a_take)
{
    shim_boot(64 * MIB);
    start(64 * MIB, 32 * MIB);
    plug_scatter(3000);
    on_evacuate = promise_all;
    CHECK_EQ(plug_take(&plug, 1), -ENOMEM);
    plug_check(&plug);
    on_evacuate = NULL;
    test_promised = 0;
    CHECK_EQ(plug_take(&plug, 1), 1);
    mover_check_all();
}

/* Lent blocks have no contents: they need no room, even when none is left. */
TEST(elastic_lenders_vacate)
{
    shim_boot(64 * MIB);
    start(64 * MIB, 2 * MIB);
    while (mover_lend(9))
        ;
    plug_check(&plug);
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK_EQ(plug.region.plugged, 0);
    plug_check(&plug);
    CHECK_EQ(moved_pages, 0);
    mover_free_all();
}

/* Somebody who has just allocated a block frees it a little later; or never. */
static struct page *nobodys;
static void free_it(void *arg)
{
    (void)arg;
    thread_sleep_ns(3 * NS_PER_MS);
    free_pages(nobodys, 3);
}

TEST(elastic_waits_for_a_block_without_owner)
{
    shim_boot(64 * MIB);
    start(4 * MIB, 4 * MIB);
    nobodys = alloc_pages(3, PAGE_MOVABLE, 0);
    CHECK(nobodys->flags & PAGE_ELASTIC);
    CHECK_EQ(plug_take(&plug, 1), -EBUSY);
    plug_check(&plug);
    CHECK(thread_create("holder", THREAD_NORMAL, free_it, NULL) != NULL);
    CHECK_EQ(plug_take(&plug, 1), 1);
    plug_check(&plug);
}

/* Everything at once, on several CPUs, with everybody let in at every unlock. */
TEST_CASES(elastic_storm, 8)
{
    const uint64_t subblock = test_case % 2 ? MIB : 4 * MIB, count = 96 * MIB / subblock;

    shim_set_cpus(3);
    shim_boot(96 * MIB);
    host_start(8, 0);
    CHECK_EQ(plug_start(&plug, 5 * GIB + 100 * MIB, 96 * MIB, subblock), 0);
    shim_chaos(test_case + 1);
    for (unsigned i = 0; i < 400; i++) {
        uint64_t at = unit_random_below(count);

        shim_run_on((unsigned)unit_random_below(3));
        switch (unit_random_below(6)) {
        case 0:
            if (!plug.plugged[at])
                CHECK_EQ(plug_add(&plug, at, at + 1), 0);
            break;
        case 1:
            (void)plug_take(&plug, 1 + unit_random_below(4));
            break;
        case 2:
            (void)plug_take_in_vain(&plug, 1 + unit_random_below(4));
            break;
        case 3:
            for (unsigned n = 0; n < 60 && nr_movers < 3000; n++)
                (void)mover_new((unsigned)unit_random_below(6));
            break;
        case 4:
            for (unsigned n = 0; n < 50 && nr_movers; n++)
                mover_free((unsigned)unit_random_below(nr_movers));
            break;
        default:
            if (nr_held < 30)
                (void)model_alloc((unsigned)unit_random_below(6), PAGE_KERNEL, 0);
            else
                model_free((unsigned)unit_random_below(nr_held));
        }
        plug_check(&plug);
    }
    mover_check_all();
    mover_free_all();
    model_free_all();
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK_EQ(plug.region.plugged, 0);
    plug_check(&plug);
}
