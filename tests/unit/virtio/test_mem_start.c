/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory device: starts, with and without memory plugged; resets; failures.
 */
#include "fake_mem.h"
#include <errno.h>
#include <neap/alloc.h>
#include <neap/memory.h>
#include <neap/timer.h>

/* Every third block, the way another guest may have left them. */
static void plug_pattern(void)
{
    for (unsigned i = 0; i < 64; i += 3)
        mem_host_plug(i, 1);
}

/* ---- features ---- */

TEST_CASES(mem_features, 2)
{
    uint64_t features = FEATURE(VMEM_F_ACPI_PXM) | FEATURE(VMEM_F_UNPLUGGED_INACCESSIBLE) |
                        FEATURE(VMEM_F_PERSISTENT_SUSPEND);

    mem_host_create(0, test_case ? features | FEATURE(3) : 0, 2 * MIB, 4 * GIB, 128 * MIB);
    shim_boot(64 * MIB);
    mem_host_add();
    CHECK_EQ(mem_host.fake->dev.accepted.word[0] & 15, test_case ? features : 0);
    CHECK_EQ(mem_host_vmem()->region.node, test_case ? 7 : -1);
    mem_host_resize(20 * MIB);
    mem_host_check(20 * MIB);
}

/* ---- memory that is plugged at the start ---- */

TEST_CASES(mem_starts_with_memory_plugged, 2)
{
    mem_host_prepare();
    plug_pattern();
    mem_host.requested = test_case * 30 * MIB;
    mem_host_update(&mem_host);
    mem_host_add();
    CHECK_EQ(mem_host.requests[VMEM_UNPLUG_ALL], 1);
    CHECK_EQ(mem_host.requests[VMEM_STATE], 0);
    mem_host_check(test_case * 30 * MIB);
    CHECK_EQ(shim_log_count("vmem: "), 0);
}

/* Answers to a request that needs no state which are not ACK. */
static bool is_refusal(enum fake_mem_lie lie)
{
    return (lie >= LIE_BUSY && lie <= LIE_ONE_BYTE) || lie == LIE_UNWRITTEN ||
           lie == LIE_ERROR_DONE;
}

/* Whatever the device says to UNPLUG_ALL, what stays plugged is used. */
TEST_CASES(mem_unplug_all_fails, LIES)
{
    mem_host_prepare();
    plug_pattern();
    mem_host.requested = 30 * MIB;
    mem_host_update(&mem_host);
    mem_host_lie(VMEM_UNPLUG_ALL, test_case, 0, 1);
    mem_host_add();
    shim_advance(15 * NS_PER_S);
    CHECK(mem_host.fake->dev.live);
    mem_host_check(30 * MIB);
    /* A lie that it was done shows in the plugged size. */
    CHECK_EQ(mem_host.requests[VMEM_STATE] > 0, is_refusal(test_case));
    CHECK_EQ(mem_host.requests[VMEM_UNPLUG_ALL] > 1,
             test_case == LIE_NOT_DONE || test_case == LIE_SILENT);
    mem_host_resize(0);
    mem_host_check(0);
}

TEST(mem_adopts_and_then_obeys)
{
    mem_host_prepare();
    plug_pattern();
    mem_host.requested = 128 * MIB;
    mem_host_update(&mem_host);
    mem_host_lie(VMEM_UNPLUG_ALL, LIE_BUSY, 0, 1);
    mem_host_add();
    mem_host_check(128 * MIB);
    CHECK_EQ(elastic.adds, 22 + 21);
}

/* Nothing to adopt it with: it goes back block by block, as far as the device lets it. */
TEST_CASES(mem_adopts_without_memory, 3)
{
    mem_host_prepare();
    plug_pattern();
    mem_host_lie(VMEM_UNPLUG_ALL, LIE_BUSY, 0, 1);
    mem_host_lie(VMEM_UNPLUG, test_case == 1 ? LIE_BUSY : LIE_NONE, 2, 3);
    elastic.fail_adds = test_case == 2 ? 5 : 1000;
    mem_host_add();
    shim_advance(NS_PER_S);
    mem_host_check(0);
}

/* ---- resets ---- */

TEST_CASES(mem_reset_keeps_memory, 4)
{
    static const uint64_t sizes[] = {0, 2 * MIB, 60 * MIB, 128 * MIB};

    mem_host_prepare();
    mem_host_add();
    mem_host_resize(sizes[test_case]);
    for (unsigned i = 0; i < 3; i++) {
        mem_host_reset();
        CHECK_EQ(mem_host.fake->dev.resets, i + 1);
        CHECK(mem_host.fake->dev.live);
        mem_host_check(sizes[test_case]);
    }
    CHECK_EQ(mem_host.requests[VMEM_UNPLUG] + mem_host.requests[VMEM_UNPLUG_ALL], 0);
    CHECK_EQ(mem_host.requests[VMEM_STATE] > 0, test_case > 0);
    CHECK_EQ(mem_host.requests[VMEM_PLUG], test_case > 0);
    mem_host_resize(10 * MIB);
    mem_host_check(10 * MIB);
}

/* The states are found by halving: far fewer questions than blocks. */
TEST(mem_states_are_searched)
{
    mem_host_create(0, 0, 1 * MIB, 4 * GIB, 128 * GIB);
    shim_boot(64 * MIB);
    mem_host_add();
    mem_host_resize(70001 * MIB);
    mem_host_reset();
    mem_host_check(70001 * MIB);
    CHECK(mem_host.requests[VMEM_STATE] > 3);
    CHECK(mem_host.requests[VMEM_STATE] < 80);
}

TEST(mem_request_changes_during_reset)
{
    mem_host_prepare();
    mem_host_add();
    mem_host_resize(60 * MIB);
    virtio_device_misbehaved(&mem_host.fake->dev, "a test says so");
    mem_host_request(&mem_host, 20 * MIB);
    shim_settle();
    mem_host_check(20 * MIB);
}

static void die_while_taking(void)
{
    elastic.on_take = NULL;
    virtio_device_misbehaved(&mem_host.fake->dev, "a test says so");
    thread_yield();
}

/* The device dies while mm empties blocks for it: they were never offered, so mm has them. */
TEST_CASES(mem_device_dies_while_taking, 2)
{
    mem_host_prepare();
    mem_host_add();
    mem_host_resize(60 * MIB);
    if (test_case)
        mem_host.fake->dev.resets = VIRTIO_RESETS_MAX;
    elastic.on_take = die_while_taking;
    mem_host_resize(20 * MIB);
    CHECK_EQ(elastic.cancels, 1);
    mem_host_check(test_case ? 60 * MIB : 20 * MIB);
}

static void break_queue_while_taking(void)
{
    elastic.on_take = NULL;
    mem_host.fake->dev.resets = VIRTIO_RESETS_MAX;
    virtio_device_misbehaved(&mem_host.fake->dev, "a test says so");
}

TEST(mem_queue_breaks_after_taking)
{
    mem_host_prepare();
    mem_host_add();
    mem_host_resize(60 * MIB);
    elastic.on_take = break_queue_while_taking;
    mem_host_resize(20 * MIB);
    CHECK_EQ(mem_host_answers(VMEM_UNPLUG, VMEM_UNSENT), 1);
    mem_host_check(60 * MIB);
}

/* Requests without an answer: what was done about them is found out afterwards. */
TEST_CASES(mem_never_answered, 6)
{
    static const enum vmem_request_type types[] = {VMEM_PLUG, VMEM_UNPLUG, VMEM_STATE};
    enum vmem_request_type type = types[test_case / 2];

    mem_host_prepare();
    mem_host_add();
    mem_host_resize(60 * MIB);
    mem_host_lie(type, test_case % 2 ? LIE_SILENT_DONE : LIE_SILENT, 0, 1);
    if (type == VMEM_STATE)
        mem_host_reset();
    mem_host_resize(type == VMEM_UNPLUG ? 20 * MIB : 100 * MIB);
    shim_advance(9 * NS_PER_S);
    CHECK_EQ(mem_host.fake->dev.resets, type == VMEM_STATE);
    shim_advance(2 * NS_PER_S);
    CHECK_EQ(mem_host.fake->dev.resets, 1 + (type == VMEM_STATE));
    mem_host_check(type == VMEM_UNPLUG ? 20 * MIB : 100 * MIB);
    CHECK_EQ(mem_host_answers(type, VMEM_SILENT), 1);
}

/* Resolving what was on its way takes several questions, and the device dies among them. */
TEST(mem_dies_again_while_resolving)
{
    mem_host_prepare();
    mem_host_add();
    mem_host_resize(60 * MIB);
    mem_host_lie(VMEM_UNPLUG, LIE_SILENT_DONE, 0, 1);
    mem_host_resize(20 * MIB);
    /* Of the 20 blocks some more are plugged again, as if only a part had been done. */
    mem_host_plug(12, 3);
    mem_host_lie(VMEM_STATE, LIE_SILENT, 4, 1);
    shim_advance(11 * NS_PER_S);
    CHECK_EQ(mem_host.requests[VMEM_STATE], 5);
    CHECK(fake_elastic_taken() > 0 && fake_elastic_taken() < 20);
    shim_advance(11 * NS_PER_S);
    mem_host_check(20 * MIB);
}

TEST(mem_left_alone_keeps_memory)
{
    mem_host_prepare();
    mem_host_add();
    mem_host_resize(60 * MIB);
    for (unsigned i = 0; i <= VIRTIO_RESETS_MAX; i++)
        mem_host_reset();
    CHECK(!mem_host.fake->dev.live);
    CHECK_EQ(shim_log_count("left alone from now on"), 1);
    mem_host_check(60 * MIB);
    mem_host_resize(10 * MIB);
    mem_host_vmem()->region.changed(&mem_host_vmem()->region);
    shim_advance(NS_PER_S);
    mem_host_check(60 * MIB);
}

/* ---- failures at the start ---- */

TEST(mem_overlaps)
{
    mem_host_create(1, 0, 2 * MIB, 4 * GIB + 64 * MIB, 128 * MIB);
    mem_host_prepare();
    mem_host_add();
    CHECK_EQ(virtio_device_add(&mem_hosts[1].fake->dev), -EINVAL);
    CHECK(!mem_hosts[1].fake->dev.live);
    mem_host_resize(20 * MIB);
    mem_host_check(20 * MIB);
}

TEST(mem_mm_refuses_the_region)
{
    mem_host_prepare();
    elastic.register_error = -EINVAL;
    CHECK_EQ(virtio_device_add(&mem_host.fake->dev), -EINVAL);
    CHECK(!mem_host.fake->dev.live);
    mem_host_resize(20 * MIB);
    CHECK_EQ(mem_host.requests[VMEM_PLUG], 0);
}

TEST_CASES(mem_queue_is_missing_or_small, 3)
{
    mem_host_prepare();
    mem_host.fake->queues[0].max_size = test_case;
    CHECK_EQ(virtio_device_add(&mem_host.fake->dev) == 0, test_case == 2);
    CHECK_EQ(shim_log_count("too small for a request and its answer"), test_case == 1);
    if (test_case == 2) {
        mem_host_resize(20 * MIB);
        mem_host_check(20 * MIB);
    }
}

/* Every allocation of the first start fails once. */
TEST_CASES(mem_injected_failures, 12)
{
    mem_host_prepare();
    alloc_inject_failure(test_case + 1, 0);
    virtio_device_add(&mem_host.fake->dev);
    alloc_inject_failure(0, 0);
    shim_settle();
    if (!mem_host.fake->dev.live) {
        CHECK(mem_host.fake->dev.fault != NULL);
        CHECK_EQ(elastic.nr_regions, 0);
        return;
    }
    mem_host_resize(20 * MIB);
    mem_host_check(20 * MIB);
    mm_check();
}

static struct thread *threads[128];

static void sleep_for_ever(void *arg)
{
    (void)arg;
    thread_sleep_ns(UINT64_MAX);
}

TEST(mem_no_thread)
{
    unsigned nr = 0;

    mem_host_prepare();
    while (nr < 128 && (threads[nr] = thread_create("idle", THREAD_NORMAL, sleep_for_ever, 0)))
        nr++;
    CHECK_EQ(virtio_device_add(&mem_host.fake->dev), -ENOMEM);
    CHECK_EQ(elastic.nr_regions, 0);
}
