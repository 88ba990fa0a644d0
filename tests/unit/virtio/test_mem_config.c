/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory device: configurations that make no sense, at the start and later.
 */
#include "fake_mem.h"
#include <errno.h>
#include <neap/timer.h>

static const struct {
    unsigned offset;
    uint64_t value;
    const char *says;
} bad_geometry[] = {
    {VMEM_CONFIG_BLOCK, 0, "block size is no power of two"},
    {VMEM_CONFIG_BLOCK, 3 * MIB, "block size is no power of two"},
    {VMEM_CONFIG_BLOCK, 512 * KIB, "blocks smaller than 1 MiB"},
    {VMEM_CONFIG_ADDRESS, 4 * GIB + 1 * MIB, "region is not made of whole blocks"},
    {VMEM_CONFIG_REGION, 0, "region is not made of whole blocks"},
    {VMEM_CONFIG_REGION, 129 * MIB, "region is not made of whole blocks"},
    {VMEM_CONFIG_BLOCK, UINT64_C(1) << 63, "region is not made of whole blocks"},
    {VMEM_CONFIG_ADDRESS, -(64 * MIB), "region beyond all addresses"},
    {VMEM_CONFIG_ADDRESS, -(128 * MIB), "region beyond all addresses"},
    {VMEM_CONFIG_REGION, -(2 * MIB), "region beyond all addresses"},
};
static const struct {
    unsigned offset;
    uint64_t value;
    const char *says;
} bad_sizes[] = {
    {VMEM_CONFIG_USABLE, 130 * MIB, "usable size beyond the region"},
    {VMEM_CONFIG_USABLE, 127 * MIB, "usable size beyond the region or no whole blocks"},
    {VMEM_CONFIG_USABLE, 10 * MIB, "plugged size beyond the usable one"},
    {VMEM_CONFIG_PLUGGED, 130 * MIB, "plugged size beyond the usable one"},
    {VMEM_CONFIG_PLUGGED, 13 * MIB, "plugged size beyond the usable one or no whole blocks"},
    {VMEM_CONFIG_REQUESTED, 130 * MIB, "requested size beyond the region"},
    {VMEM_CONFIG_REQUESTED, UINT64_MAX, "requested size beyond the region"},
};

/* At the first start nothing of the device is used. */
TEST_CASES(mem_bad_geometry_at_start, ARRAY_SIZE(bad_geometry))
{
    mem_host_prepare();
    mem_host_config(&mem_host, bad_geometry[test_case].offset, bad_geometry[test_case].value);
    CHECK_EQ(virtio_device_add(&mem_host.fake->dev), -EINVAL);
    CHECK_EQ(shim_log_count(bad_geometry[test_case].says), 1);
    CHECK_EQ(elastic.nr_regions, 0);
}

TEST_CASES(mem_bad_sizes_at_start, ARRAY_SIZE(bad_sizes))
{
    mem_host_prepare();
    mem_host_plug(3, 10);
    mem_host_config(&mem_host, bad_sizes[test_case].offset, bad_sizes[test_case].value);
    CHECK_EQ(virtio_device_add(&mem_host.fake->dev), -EINVAL);
    CHECK_EQ(shim_log_count(bad_sizes[test_case].says), 1);
    CHECK_EQ(elastic.nr_regions, 0);
}

/* Later the memory stays in use, and the device is used again when it makes sense. */
TEST_CASES(mem_bad_sizes_later, ARRAY_SIZE(bad_sizes))
{
    mem_host_prepare();
    mem_host_add();
    mem_host_resize(20 * MIB);
    mem_host_config(&mem_host, bad_sizes[test_case].offset, bad_sizes[test_case].value);
    for (unsigned i = 0; i < 3; i++) {
        fake_config_changed(mem_host.fake);
        shim_advance(NS_PER_S);
    }
    CHECK_EQ(shim_log_count(bad_sizes[test_case].says), 1);
    CHECK_EQ(mem_host_vmem()->activity, VMEM_WAITING);
    mem_host_check(20 * MIB);
    mem_host_resize(40 * MIB);
    mem_host_check(40 * MIB);
    CHECK_EQ(mem_host.fake->dev.resets, 0);
}

static void spoil_sizes(void)
{
    elastic.on_take = NULL;
    mem_host_config(&mem_host, VMEM_CONFIG_REQUESTED, UINT64_MAX);
}

TEST(mem_bad_sizes_while_taking)
{
    mem_host_prepare();
    mem_host_add();
    mem_host_resize(20 * MIB);
    elastic.on_take = spoil_sizes;
    mem_host_resize(0);
    CHECK_EQ(mem_host.requests[VMEM_UNPLUG], 0);
    mem_host_check(20 * MIB);
    mem_host_resize(0);
    mem_host_check(0);
}

/* After a reset it is another device, or makes no sense: the memory is still ours. */
TEST_CASES(mem_bad_config_after_reset, ARRAY_SIZE(bad_geometry) + ARRAY_SIZE(bad_sizes) + 3)
{
    unsigned sizes_case = test_case - (unsigned)ARRAY_SIZE(bad_geometry);

    mem_host_prepare();
    mem_host_add();
    mem_host_resize(20 * MIB);
    if (test_case < ARRAY_SIZE(bad_geometry))
        mem_host_config(&mem_host, bad_geometry[test_case].offset,
                        bad_geometry[test_case].value);
    else if (sizes_case < ARRAY_SIZE(bad_sizes))
        mem_host_config(&mem_host, bad_sizes[sizes_case].offset, bad_sizes[sizes_case].value);
    else if (sizes_case == ARRAY_SIZE(bad_sizes))
        mem_host_config(&mem_host, VMEM_CONFIG_BLOCK, 1 * MIB);
    else
        mem_host_config(&mem_host, sizes_case & 1 ? VMEM_CONFIG_ADDRESS : VMEM_CONFIG_REGION,
                        2 * GIB);
    mem_host_reset();
    CHECK(!mem_host.fake->dev.live);
    CHECK_EQ(shim_log_count("initialisation") + shim_log_count("not used: EINVAL"), 1);
    CHECK_EQ(shim_log_count("not what it was before its reset"),
             sizes_case - ARRAY_SIZE(bad_sizes) < 3);
    CHECK_EQ(vmem_in_use(mem_host_vmem()), 20 * MIB);
    mem_host_vmem()->region.changed(&mem_host_vmem()->region);
    shim_settle();
}

TEST_CASES(mem_config_too_short, 7)
{
    static const unsigned sizes[] = {0, 8, 16, 24, 32, 40, 52};

    mem_host_prepare();
    mem_host.fake->config_size = sizes[test_case];
    CHECK(virtio_device_add(&mem_host.fake->dev) < 0);
    CHECK_EQ(shim_log_count("configuration space is too short"), 1);
}

static unsigned reads_left;

static void change_now(void)
{
    if (reads_left && !--reads_left) {
        mem_host.requested = 40 * MIB;
        mem_host_update(&mem_host);
        fake_config_changed(mem_host.fake);
    }
}

/* CFG-001, CFG-002: the device may change its mind between two fields, and inside of one. */
TEST_CASES(mem_config_changes_between_fields, 32)
{
    mem_host_prepare();
    mem_host.fake->on_config_read = change_now;
    reads_left = test_case + 1;
    mem_host_add();
    mem_host_resize(20 * MIB);
    mem_host_resize(60 * MIB);
    mem_host_check(mem_host.requested);
    CHECK_EQ(mem_host.fake->dev.resets, 0);
}

TEST_CASES(mem_config_becomes_unreadable, 2)
{
    mem_host_prepare();
    mem_host_add();
    mem_host_resize(20 * MIB);
    if (test_case)
        mem_host.fake->generation_step = 1; /* changes at every read */
    else
        mem_host.fake->config_size = 48;
    mem_host_resize(40 * MIB);
    CHECK_EQ(shim_log_count("misbehaves: its sizes cannot be read"), 1);
    CHECK(!mem_host.fake->dev.live);
    CHECK_EQ(vmem_in_use(mem_host_vmem()), 20 * MIB);
}

/* plugged_size is not what was plugged: after one look at the blocks that is a bad device. */
TEST_CASES(mem_plugged_size_is_wrong, 2)
{
    mem_host_prepare();
    mem_host_add();
    mem_host_resize(20 * MIB);
    mem_host.plugged_shown = 2 * MIB;
    mem_host_resize(40 * MIB);
    CHECK_EQ(shim_log_count("its plugged size is not"),
             1 + VIRTIO_RESETS_MAX + 1 + VIRTIO_RESETS_MAX);
    CHECK(!mem_host.fake->dev.live);
    CHECK(vmem_in_use(mem_host_vmem()) >= 20 * MIB);
}
