/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: who is asked for memory, and in which order. */
#include "support.h"

static const struct reclaimer *asked[8];
static unsigned nr_asked;
static uint64_t answer;

static uint64_t give(struct reclaimer *self, uint64_t pages UNUSED)
{
    CHECK(nr_asked < ARRAY_SIZE(asked));
    asked[nr_asked++] = self;
    return self->order == RECLAIM_BALLOON ? answer : 0;
}

static struct reclaimer plug[2] = {
    {.name = "plug", .order = RECLAIM_PLUG, .reclaim = give},
    {.name = "plug 2", .order = RECLAIM_PLUG, .reclaim = give},
};
static struct reclaimer balloon[2] = {
    {.name = "balloon", .order = RECLAIM_BALLOON, .reclaim = give},
    {.name = "balloon 2", .order = RECLAIM_BALLOON, .reclaim = give},
};

/* However they came: the balloon first, equals in the order of coming. */
TEST(reclaimers_are_asked_in_order)
{
    shim_boot(64 * MIB);
    reclaimer_register(&plug[0]);
    reclaimer_register(&balloon[0]);
    reclaimer_register(&plug[1]);
    reclaimer_register(&balloon[1]);
    CHECK(!reclaim_pages(10));
    CHECK_EQ(nr_asked, 4);
    CHECK(asked[0] == &balloon[0] && asked[1] == &balloon[1]);
    CHECK(asked[2] == &plug[0] && asked[3] == &plug[1]);
    /* Who comes later is not asked when there is enough. */
    nr_asked = 0;
    answer = 10;
    CHECK(reclaim_pages(10));
    CHECK_EQ(nr_asked, 1);
    /* Half of it each. */
    nr_asked = 0;
    answer = 5;
    CHECK(reclaim_pages(10));
    CHECK_EQ(nr_asked, 2);
    reclaimer_unregister(&balloon[0]);
    nr_asked = 0;
    CHECK(reclaim_pages(10));
    CHECK_EQ(nr_asked, 3);
}

/* Free memory of every kind, caches included, is used up before anybody is asked; then it
 * fails without a panic or a hang. */
TEST(reclaim_comes_last)
{
    unsigned taken = 0;

    shim_set_cpus(2);
    shim_boot(32 * MIB);
    reclaimer_register(&balloon[0]);
    reclaimer_register(&plug[0]);
    while (!nr_asked)
        taken += alloc_pages(0, PAGE_MOVABLE, 0) != NULL;
    CHECK(taken > 5000);
    CHECK_EQ(nr_asked, 2);
    CHECK(asked[0] == &balloon[0] && asked[1] == &plug[0]);
    CHECK_EQ(cpu_cache_pages(), 0);
    CHECK_EQ(buddy.pages[WARM] + buddy.pages[REPORTED], 0);
}
