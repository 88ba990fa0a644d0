/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon driver above a device made of software: the size is reached with every kind of
 * ring and after everything that the device does wrong, and no page that the device holds is
 * ever touched.
 */
#include "../../drivers/virtio/balloon.h"
#include "guest.h"
#include "loopback.h"
#include <neap/memory.h>
#include <neap/thread.h>

#define PAGES      4096u /* one batch of the driver */
#define PAGES_STEP 512u

static struct loopback *device;

static bool open_device(struct selftest *t)
{
    device = loopback_get("balloon");
    EXPECT(t, device != NULL);
    if (device && device->dev.live)
        return true;
    if (device)
        selftest_skip(t, "there is another balloon: start without one");
    return false;
}

/* A device that was just reset still shows the old size. */
static bool is_reached(void *arg UNUSED)
{
    uint64_t target = loopback_get_config(device, BALLOON_CONFIG_NUM_PAGES, 4);
    struct memory_stats stats;

    memory_stats_get(&stats);
    return loopback_get_config(device, BALLOON_CONFIG_ACTUAL, 4) == target &&
           stats.ballooned == target << BALLOON_PAGE_SHIFT;
}

static void set_target(uint32_t pages)
{
    loopback_put_config(device, BALLOON_CONFIG_NUM_PAGES, 4, pages);
}

static void expect_target(struct selftest *t, uint32_t pages)
{
    set_target(pages);
    EXPECT(t, eventually(is_reached, NULL));
}

/* There and back. What comes back is untouched. */
static void expect_good_round(struct selftest *t, uint32_t pages)
{
    uint64_t touched = device->counts[LOOPBACK_BALLOON_TOUCHED];

    expect_target(t, pages);
    expect_target(t, 0);
    EXPECT_EQ(t, device->counts[LOOPBACK_BALLOON_TOUCHED], touched);
}

static void test_every_ring(struct selftest *t)
{
    if (!open_device(t))
        return;
    for (unsigned features = 0; features < LOOPBACK_RINGS && !t->failed; features++) {
        uint64_t taken = device->counts[LOOPBACK_BALLOON_TAKEN];
        uint64_t returned = device->counts[LOOPBACK_BALLOON_RETURNED];

        loopback_choose_rings(device, features);
        expect_good_round(t, PAGES);
        EXPECT_EQ(t, device->counts[LOOPBACK_BALLOON_TAKEN] - taken, PAGES);
        EXPECT_EQ(t, device->counts[LOOPBACK_BALLOON_RETURNED] - returned, PAGES);
    }
    EXPECT_EQ(t, device->dev.resets, 0);
}
SELFTEST(loopback_balloon_every_ring, test_every_ring);

/* One fault while the balloon grows, or shrinks; the driver starts anew where it must. */
static void expect_recovery(struct selftest *t, enum loopback_fault fault, unsigned queue)
{
    const struct loopback_plan plan = {.fault = fault, .queue = queue, .after = 1, .times = 1};

    expect_target(t, queue == BALLOON_INFLATE ? 0 : PAGES);
    WRITE_ONCE(device->dev.resets, 0);
    loopback_set_plan(device, &plan);
    set_target(queue == BALLOON_INFLATE ? PAGES : 0);
    EXPECT(t, loopback_plan_is_done(device));
    switch (fault) {
    case LOOPBACK_DELAY:
    case LOOPBACK_EARLY:
    case LOOPBACK_REORDER:
        break;
    case LOOPBACK_DROP:
    case LOOPBACK_BROKEN:
        EXPECT_EQ(t, virtio_restart(&device->dev), 0);
        break;
    default:
        EXPECT(t, loopback_was_reset(device));
    }
    EXPECT(t, eventually(is_reached, NULL));
    expect_good_round(t, PAGES);
}

static void test_faults(struct selftest *t)
{
    if (!open_device(t))
        return;
    for (unsigned packed = 0; packed < 2; packed++) {
        loopback_choose_rings(device, packed | 2 | 8);
        for (unsigned fault = LOOPBACK_DROP; fault < LOOPBACK_FAULTS; fault++)
            for (unsigned queue = BALLOON_INFLATE; queue <= BALLOON_DEFLATE && !t->failed;
                 queue++)
                expect_recovery(t, (enum loopback_fault)fault, queue);
    }
    WRITE_ONCE(device->dev.resets, 0);
}
SELFTEST(loopback_balloon_survives_faults, test_faults);

/* At each single step of a start and a round the device gives up, or changes. */
static void test_steps(struct selftest *t)
{
    unsigned steps;

    if (!open_device(t))
        return;
    loopback_choose_rings(device, LOOPBACK_RINGS - 1);
    expect_target(t, PAGES_STEP);
    steps = device->steps;
    EXPECT(t, steps > 10);
    for (unsigned step = 1; step <= 2 * steps && !t->failed; step++) {
        expect_target(t, 0);
        WRITE_ONCE(device->dev.resets, 0);
        *(step <= steps ? &device->fail_at : &device->change_at) =
            step <= steps ? step : step - steps;
        EXPECT_EQ(t, virtio_restart(&device->dev), 0);
        expect_target(t, PAGES_STEP);
        if (step <= steps && loopback_has_failed(device))
            EXPECT(t, loopback_was_reset(device));
        device->change_at = 0;
        expect_good_round(t, PAGES_STEP);
    }
    WRITE_ONCE(device->dev.resets, 0);
}
SELFTEST(loopback_balloon_each_step, test_steps);

static bool count_grew(void *arg)
{
    return READ_ONCE(device->counts[*(const unsigned *)arg]) > 0;
}

static void test_other_queues(struct selftest *t)
{
    static const unsigned counts[] = {LOOPBACK_BALLOON_STATS, LOOPBACK_BALLOON_HINTED,
                                      LOOPBACK_BALLOON_REPORTED};
    static uint32_t round = 1;

    if (!open_device(t))
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(counts); i++)
        WRITE_ONCE(device->counts[counts[i]], 0);
    EXPECT_EQ(t, virtio_restart(&device->dev), 0);
    loopback_put_config(device, BALLOON_CONFIG_HINT_ID, 4, ++round);
    EXPECT_EQ(t, reporting_set_reserve(0), 0);
    EXPECT_EQ(t, reporting_flush(), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(counts); i++)
        EXPECT(t, eventually(count_grew, (void *)(uintptr_t)&counts[i]));
    EXPECT_EQ(t, reporting_set_reserve(UINT64_MAX), 0);
    loopback_put_config(device, BALLOON_CONFIG_HINT_ID, 4, 1); /* done */
    expect_good_round(t, PAGES);
}
SELFTEST(loopback_balloon_other_queues, test_other_queues);
