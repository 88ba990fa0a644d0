/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: who is told that it is worth looking again at elastic memory, and how often. */
#include "../../../mm/notify.h"
#include "plug.h"

static struct plug plug;

static void start(void)
{
    shim_boot(64 * MIB);
    elastic_note_shortage(); /* nobody is there */
    CHECK_EQ(plug_start(&plug, 5 * GIB, 32 * MIB, 2 * MIB), 0);
    CHECK_EQ(plug.calls, 0);
}

TEST(notify_once_when_told_to_look_again)
{
    start();
    elastic_look_again();
    CHECK_EQ(plug.calls, 0);
    notify_expect();
    elastic_look_again();
    elastic_look_again();
    CHECK_EQ(plug.calls, 1);
    elastic_note_shortage();
    CHECK_EQ(plug.calls, 2);
}

/* At once where so much is free already; else when it is, and only then. */
TEST(notify_when_enough_is_free)
{
    uint64_t free;

    start();
    notify_when_free(1);
    CHECK_EQ(plug.calls, 1);
    while (model_alloc(0, PAGE_MOVABLE, ALLOC_OPTIONAL) && nr_held < 1000)
        ;
    alloc_drain_cpu_caches();
    free = buddy.pages[WARM] + buddy.pages[REPORTED];
    notify_when_free(free + 500);
    notify_when_free(free + 900); /* the smaller wish counts */
    while (nr_held > 600)
        model_free(nr_held - 1);
    alloc_drain_cpu_caches();
    CHECK_EQ(plug.calls, 1);
    model_free_all();
    alloc_drain_cpu_caches();
    CHECK_EQ(plug.calls, 2);
}
