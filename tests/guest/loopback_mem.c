/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory device's driver above a device made of software, whose memory is what withhold=
 * left alone: every size is reached, whatever the device does wrong, and data survives.
 */
#include "../../drivers/virtio/mem.h"
#include "guest.h"
#include "loopback.h"
#include <neap/memory.h>
#include <neap/space.h>
#include <neap/thread.h>

static struct loopback *device;
static uint64_t size; /* of the region */

static bool open_device(struct selftest *t)
{
    if (boot_memory_withheld().end == 0) {
        selftest_skip(t, "no memory for a device: start with withhold=64M");
        return false;
    }
    device = loopback_get("mem");
    EXPECT(t, device && device->dev.live);
    if (!device || !device->dev.live)
        return false;
    size = loopback_get_config(device, VMEM_CONFIG_REGION, 8);
    return true;
}

static bool is_reached(void *arg UNUSED)
{
    const struct vmem *vmem = device->dev.driver_data;
    uint64_t requested = loopback_get_config(device, VMEM_CONFIG_REQUESTED, 8);
    struct memory_stats stats;

    memory_stats_get(&stats);
    return stats.elastic >= requested &&
           loopback_get_config(device, VMEM_CONFIG_PLUGGED, 8) == requested &&
           vmem_in_use(vmem) == requested;
}

static void request(uint64_t bytes)
{
    loopback_put_config(device, VMEM_CONFIG_REQUESTED, 8, bytes);
}

static void expect_size(struct selftest *t, uint64_t bytes)
{
    request(bytes);
    EXPECT(t, eventually(is_reached, NULL));
}

static void expect_good_round(struct selftest *t)
{
    uint64_t errors = device->counts[LOOPBACK_MEM_ERRORS];

    expect_size(t, 0);
    expect_size(t, size);
    expect_size(t, size / 4);
    expect_size(t, 0);
    EXPECT_EQ(t, device->counts[LOOPBACK_MEM_ERRORS], errors);
}

static void test_every_ring(struct selftest *t)
{
    if (!open_device(t))
        return;
    for (unsigned features = 0; features < LOOPBACK_RINGS && !t->failed; features++) {
        loopback_choose_rings(device, features);
        expect_good_round(t);
    }
    EXPECT_EQ(t, device->dev.resets, 0);
}
SELFTEST(loopback_mem_every_ring, test_every_ring);

/* Data that lies in the region is somewhere else when the region is gone. */
static void test_contents(struct selftest *t)
{
    uintptr_t va = space_reserve(size, PAGE_SIZE << PAGEBLOCK_ORDER);
    uint64_t *words = (uint64_t *)va;
    struct memory_stats stats;
    uint64_t wrong = 0;

    if (!open_device(t) || !va)
        return;
    expect_size(t, size);
    EXPECT_EQ(t, space_commit(va, size, SPACE_READ | SPACE_WRITE), 0);
    for (uint64_t i = 0; i < size / sizeof(*words) && !t->failed; i += 64)
        words[i] = i ^ va;
    memory_stats_get(&stats);
    EXPECT(t, stats.elastic_free < size / 2); /* it lies there */
    expect_size(t, 0);
    for (uint64_t i = 0; i < size / sizeof(*words) && !t->failed; i += 64)
        wrong += words[i] != (i ^ va);
    EXPECT_EQ(t, wrong, 0);
    (void)space_release(va, size);
}
SELFTEST(loopback_mem_contents_survive, test_contents);

/* One fault while the region fills, or empties. A refusal stands until the host asks again. */
static void expect_recovery(struct selftest *t, unsigned fault, uint64_t from, uint64_t to)
{
    const struct loopback_plan plan = {.fault = (enum loopback_fault)fault, .times = 1};

    expect_size(t, from);
    WRITE_ONCE(device->dev.resets, 0);
    loopback_set_plan(device, &plan);
    request(to);
    EXPECT(t, loopback_plan_is_done(device));
    switch (fault) {
    case LOOPBACK_DROP:
    case LOOPBACK_REORDER: /* nothing comes behind it */
    case LOOPBACK_BROKEN:
        EXPECT_EQ(t, virtio_restart(&device->dev), 0);
        break;
    case LOOPBACK_WRONG_ID:
    case LOOPBACK_WRONG_LENGTH:
    case LOOPBACK_NEEDS_RESET:
        EXPECT(t, loopback_was_reset(device));
        break;
    case LOOPBACK_NACK:
        request(to);
        break;
    default:
        break;
    }
    EXPECT(t, eventually(is_reached, NULL));
    expect_size(t, from);
}

static void test_faults(struct selftest *t)
{
    if (!open_device(t))
        return;
    for (unsigned packed = 0; packed < 2; packed++) {
        loopback_choose_rings(device, packed | 2 | 8);
        for (unsigned fault = LOOPBACK_DROP; fault < LOOPBACK_REFUSALS && !t->failed; fault++) {
            expect_recovery(t, fault, 0, size);
            expect_recovery(t, fault, size, 0);
        }
    }
    WRITE_ONCE(device->dev.resets, 0);
    loopback_choose_rings(device, LOOPBACK_RINGS - 1);
    expect_good_round(t);
}
SELFTEST(loopback_mem_survives_faults, test_faults);

/* At each single step of a start and a change of size the device gives up, or changes. */
static void test_steps(struct selftest *t)
{
    unsigned steps;

    if (!open_device(t))
        return;
    loopback_choose_rings(device, LOOPBACK_RINGS - 1);
    expect_size(t, size);
    steps = device->steps;
    EXPECT(t, steps > 10);
    for (unsigned step = 1; step <= 2 * steps && !t->failed; step++) {
        expect_size(t, size / 2);
        WRITE_ONCE(device->dev.resets, 0);
        *(step <= steps ? &device->fail_at : &device->change_at) =
            step <= steps ? step : step - steps;
        EXPECT_EQ(t, virtio_restart(&device->dev), 0);
        expect_size(t, step % 2 ? size : 0);
        if (step <= steps && loopback_has_failed(device))
            EXPECT(t, loopback_was_reset(device));
        device->change_at = 0;
    }
    WRITE_ONCE(device->dev.resets, 0);
    expect_good_round(t);
}
SELFTEST(loopback_mem_each_step, test_steps);
