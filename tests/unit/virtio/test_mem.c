/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory device: from size to size, whatever the blocks, the host's changes of mind, and
 * what mm cannot do.
 */
#include "fake_mem.h"
#include <errno.h>
#include <neap/timer.h>

static const uint64_t block_sizes[] = {1 * MIB, 2 * MIB, 4 * MIB, 128 * MIB, 1 * GIB};

TEST_CASES(mem_reaches_every_size, 10)
{
    static const unsigned blocks[] = {1, 8, 3, 64, 63, 0, 100, 99, 100, 37, 1, 0};
    uint64_t block = block_sizes[test_case / 2];

    elastic.taken_is_plugged = test_case & 1;
    mem_host_start(block, 100);
    for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++) {
        mem_host_resize(blocks[i] * block);
        mem_host_check(blocks[i] * block);
        CHECK_EQ(mem_host_vmem()->activity, VMEM_IDLE);
    }
    CHECK_EQ(mem_host.fake->dev.resets, 0);
    CHECK_EQ(shim_log_count("vmem: "), 0);
    /* Whole, contiguous changes take one request each; nothing was sent in vain. */
    CHECK_EQ(mem_host.requests[VMEM_PLUG], 5);
    CHECK_EQ(mem_host.requests[VMEM_UNPLUG], 7);
    CHECK_EQ(mem_host.requests[VMEM_STATE], 0);
    CHECK_EQ(mem_host.fake->config_writes, 0); /* MEM-001 */
    CHECK_EQ(shim_timers_armed(), 0);
}

/* Lowest addresses first, so that holes are filled; mm chooses what goes. */
TEST(mem_plugs_lowest_first)
{
    mem_host_start(2 * MIB, 64);
    mem_host_resize(20 * MIB);
    for (unsigned i = 0; i < 10; i++)
        CHECK(fake_elastic_uses(4 * GIB + i * 2 * MIB));
    mem_host_resize(2 * MIB);
    CHECK(fake_elastic_uses(4 * GIB));
    mem_host_resize(6 * MIB);
    CHECK(fake_elastic_uses(4 * GIB + 4 * MIB));
    mem_host_check(6 * MIB);
}

/* nb_blocks has 16 bits. */
TEST(mem_batches_of_65535_blocks)
{
    uint64_t all = 150000;

    mem_host_start(1 * MIB, all);
    mem_host_resize(all * MIB);
    mem_host_check(all * MIB);
    CHECK_EQ(mem_host.largest, 65535);
    CHECK_EQ(mem_host.requests[VMEM_PLUG], 3);
    mem_host_resize(0);
    mem_host_check(0);
    CHECK_EQ(mem_host.requests[VMEM_UNPLUG], 3);
}

/* 512 GiB of region cost nothing before they are used; the usable part follows the request. */
TEST(mem_large_region_as_qemu)
{
    mem_host_create(0, 0, 2 * MIB, 8 * GIB, 512 * GIB);
    mem_host.grows = true;
    mem_host.usable = 0;
    mem_host_update(&mem_host);
    shim_boot(64 * MIB);
    CHECK_EQ(virtio_device_add(&mem_host.fake->dev), 0);
    shim_settle();
    CHECK_EQ(mem_host.requests[VMEM_STATE], 0);
    CHECK_EQ(mem_host_vmem()->region.node, SHIM_NODE); /* firmware's, the device names none */
    mem_host_resize(300 * GIB);
    mem_host_check(300 * GIB);
    mem_host_resize(16 * MIB);
    mem_host_check(16 * MIB);
}

TEST(mem_request_is_no_multiple_of_a_block)
{
    mem_host_start(2 * MIB, 64);
    mem_host_resize(7 * MIB);
    mem_host_check(6 * MIB);
    CHECK_EQ(shim_log_count("is rounded down to 0x600000"), 1);
    mem_host_resize(3 * MIB);
    mem_host_check(2 * MIB);
    CHECK_EQ(shim_log_count("is rounded down"), 1);
    CHECK_EQ(mem_host_vmem()->activity, VMEM_IDLE);
}

TEST(mem_usable_region_ends)
{
    mem_host_start(2 * MIB, 64);
    mem_host.usable = 20 * MIB;
    mem_host_resize(40 * MIB);
    mem_host_check(20 * MIB);
    CHECK_EQ(mem_host_vmem()->activity, VMEM_WAITING);
    shim_advance(100 * NS_PER_S);
    CHECK_EQ(mem_host.requests[VMEM_PLUG], 1);
    mem_host.usable = 60 * MIB;
    mem_host_resize(40 * MIB);
    mem_host_check(40 * MIB);
}

/* Two devices at once, each with a worker of its own. */
TEST(mem_two_devices)
{
    mem_host_create(1, FEATURE(VMEM_F_ACPI_PXM), 128 * MIB, 64 * GIB, 16 * GIB);
    mem_host_start(2 * MIB, 64);
    CHECK_EQ(virtio_device_add(&mem_hosts[1].fake->dev), 0);
    mem_host_request(&mem_hosts[1], 1 * GIB);
    mem_host_request(&mem_host, 64 * MIB);
    shim_settle();
    CHECK_EQ(mem_host.plugged, 64 * MIB);
    CHECK_EQ(mem_hosts[1].plugged, 1 * GIB);
    mem_host_request(&mem_hosts[1], 0);
    shim_settle();
    CHECK_EQ(mem_host.plugged, 64 * MIB);
    CHECK_EQ(mem_hosts[1].plugged, 0);
    CHECK_EQ(mem_host_vmem()->region.node, -1);
    CHECK_EQ(((struct vmem *)mem_hosts[1].fake->dev.driver_data)->region.node, 7);
}

/* ---- the host changes its mind ---- */

static uint64_t new_request;
static unsigned changes;

static void change_request(void)
{
    if (changes && !--changes)
        mem_host_request(&mem_host, new_request);
}

static void change_at_request(enum vmem_request_type type)
{
    (void)type;
    change_request();
}

static void change_while_taking(void)
{
    change_request();
    thread_yield(); /* to the work queue that brings the news */
}

/* While mm empties blocks: what it does for the old request ends, nothing too much goes. */
TEST_CASES(mem_request_changes_while_taking, 4)
{
    static const uint64_t wanted[] = {100 * MIB, 128 * MIB, 120 * MIB, 0};

    mem_host_start(2 * MIB, 64);
    mem_host_resize(100 * MIB);
    elastic.on_take = change_while_taking;
    new_request = wanted[test_case];
    changes = 1;
    mem_host_resize(10 * MIB);
    mem_host_check(wanted[test_case]);
    CHECK_EQ(elastic.cancels, 1);
    CHECK_EQ(mem_host.requests[VMEM_UNPLUG], test_case == 3);
}

/* The change is seen in the configuration only, its interrupt comes late. */
static void change_quietly(void)
{
    if (changes && !--changes) {
        mem_host.requested = new_request;
        mem_host_update(&mem_host);
    }
}

TEST_CASES(mem_request_rises_before_unplug, 3)
{
    static const uint64_t wanted[] = {100 * MIB, 94 * MIB, 10 * MIB};

    mem_host_start(2 * MIB, 64);
    mem_host_resize(100 * MIB);
    elastic.on_take = change_quietly;
    new_request = wanted[test_case];
    changes = 1;
    mem_host_resize(20 * MIB);
    mem_host_check(wanted[test_case]);
    CHECK_EQ(elastic.put_backs, test_case < 2);
    /* Of what was taken too much, the highest part goes. */
    CHECK(!fake_elastic_uses(4 * GIB + 98 * MIB) || test_case == 0);
}

TEST_CASES(mem_request_changes_at_a_request, 24)
{
    static const uint64_t sizes[] = {100 * MIB, 10 * MIB};
    static const uint64_t wanted[] = {0, 6 * MIB, 60 * MIB, 128 * MIB};

    elastic.take_limit = 5;
    mem_host_start(2 * MIB, 64);
    mem_host_resize(sizes[test_case % 2]);
    mem_host.relaxed = true; /* it changes when the request is on its way */
    mem_host.on_request = change_at_request;
    new_request = wanted[test_case / 2 % 4];
    changes = 1 + test_case / 8;
    mem_host_resize(sizes[!(test_case % 2)]);
    changes = 1;
    change_request();
    shim_settle();
    mem_host_check(new_request);
    CHECK_EQ(mem_host.fake->dev.resets, 0);
}

/* Before the guest reads the configuration the request has changed several times. */
TEST(mem_last_request_counts)
{
    mem_host_start(2 * MIB, 64);
    mem_host_request(&mem_host, 100 * MIB);
    mem_host_request(&mem_host, 2 * MIB);
    mem_host_request(&mem_host, 50 * MIB);
    shim_settle();
    mem_host_check(50 * MIB);
    CHECK_EQ(mem_host.requests[VMEM_PLUG], 1);
    CHECK_EQ(mem_host.requests[VMEM_UNPLUG], 0);
}

/* ---- what mm cannot do ---- */

TEST_CASES(mem_held_blocks_go_when_they_can, 2)
{
    mem_host_start(2 * MIB, 64);
    mem_host_resize(100 * MIB);
    elastic.held = 5;
    elastic.refusal = (struct elastic_refusal){.pinned = 10 * MIB, .holder = "net"};
    mem_host_resize(0);
    mem_host_check(10 * MIB);
    CHECK_EQ(mem_host_vmem()->activity, VMEM_WAITING);
    CHECK_EQ(shim_log_count("10 MiB more than requested must stay: pinned 10 MiB"), 1);
    CHECK_EQ(shim_log_count("holder net"), 1);
    /* No timer of any length runs. */
    shim_advance(100 * NS_PER_S);
    CHECK_EQ(elastic.takes, 2);
    CHECK_EQ(shim_timers_armed(), 0);
    elastic.held = 0;
    if (test_case == 0)
        mem_host_vmem()->region.changed(&mem_host_vmem()->region);
    else
        mem_host_request(&mem_host, 2 * MIB);
    shim_settle();
    mem_host_check(test_case * 2 * MIB);
    CHECK_EQ(mem_host_vmem()->activity, VMEM_IDLE);
    CHECK_EQ(mem_host_vmem()->refusal.pinned, 0);
}

TEST(mem_data_fits_nowhere_else)
{
    mem_host_start(2 * MIB, 64);
    mem_host_resize(100 * MIB);
    elastic.take_error = -ENOMEM;
    elastic.refusal = (struct elastic_refusal){.missing = 7 * MIB};
    mem_host_resize(0);
    mem_host_check(100 * MIB);
    CHECK_EQ(shim_log_count("fits nowhere else 7 MiB"), 1);
    elastic.take_error = 0;
    mem_host_vmem()->region.changed(&mem_host_vmem()->region);
    shim_advance(11 * NS_PER_MS);
    mem_host_check(0);
}

/* Whatever mm calls out, what it refuses is not asked for more than a hundred times a second.
 */
TEST(mem_no_storm_of_refusals)
{
    mem_host_start(2 * MIB, 64);
    mem_host_resize(100 * MIB);
    elastic.take_error = -EBUSY;
    mem_host_resize(0);
    for (unsigned i = 0; i < 1000; i++) {
        mem_host_vmem()->region.changed(&mem_host_vmem()->region);
        shim_advance(NS_PER_MS);
    }
    CHECK(elastic.takes >= 80 && elastic.takes <= 102);
    CHECK_EQ(shim_log_count("must stay"), 1);
}

/* Plugged but of no use: the host has it back, and mm is asked again when it has changed. */
TEST(mem_no_memory_to_add)
{
    mem_host_start(2 * MIB, 64);
    mem_host.relaxed = true; /* less than is requested may stay */
    elastic.fail_adds = 1;
    mem_host_resize(100 * MIB);
    mem_host_check(0);
    CHECK_EQ(mem_host_vmem()->activity, VMEM_WAITING);
    shim_advance(100 * NS_PER_S);
    CHECK_EQ(mem_host.requests[VMEM_PLUG], 1);
    mem_host_vmem()->region.changed(&mem_host_vmem()->region);
    shim_settle();
    mem_host_check(100 * MIB);
}

/* A reset right after a reset: the worker did not even run in between. */
TEST(mem_worker_is_parked_before_it_ran)
{
    struct vmem *vmem;

    mem_host_start(2 * MIB, 64);
    vmem = mem_host_vmem();
    vmem_worker_park(vmem);
    vmem_worker_start(vmem);
    vmem_worker_park(vmem);
    CHECK(vmem->worker.parked);
    vmem_worker_start(vmem);
    mem_host_resize(20 * MIB);
    mem_host_check(20 * MIB);
}
