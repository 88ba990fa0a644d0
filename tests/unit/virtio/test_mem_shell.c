/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a person sees of memory devices: the command `vmem`.
 */
#include "fake_mem.h"
#include "kernel.h"
#include <errno.h>
#include <neap/timer.h>

TEST(vmem_table)
{
    mem_host_create(1, FEATURE(VMEM_F_ACPI_PXM), 128 * MIB, 64 * GIB, 16 * GIB);
    mem_host_start(2 * MIB, 64);
    CHECK_EQ(virtio_device_add(&mem_hosts[1].fake->dev), 0);
    mem_host_resize(100 * MIB);
    CHECK_EQ(run_command("vmem", false), 0);
    CHECK_EQ(shim_log_count("fake0\n"), 1);
    CHECK_EQ(shim_log_count("fake1\n"), 1);
    CHECK_EQ(shim_log_count(" idle\n"), 2);
    CHECK_EQ(shim_log_count("0x100000000..0x108000000"), 1);
    CHECK_EQ(shim_log_count("  node "), 1);
    CHECK_EQ(shim_log_count("   100 MiB\n"), 2); /* requested, plugged */
    CHECK_EQ(shim_log_count("   128 MiB\n"), 3); /* size, usable; the other's block */
    CHECK_EQ(shim_log_count("  plug             1"), 1);
    CHECK_EQ(shim_log_count(" acpi-pxm"), 1);
    CHECK_EQ(shim_log_count(" unplugged-inaccessible"), 1);
    CHECK_EQ(shim_log_count("  held "), 0);
}

TEST_CASES(vmem_table_held, 2)
{
    mem_host_start(2 * MIB, 64);
    mem_host_resize(100 * MIB);
    mem_host_lie(VMEM_UNPLUG, LIE_BUSY, 0, 2);
    elastic.held = 5;
    elastic.refusal = (struct elastic_refusal){.kernel = 10 * MIB};
    if (test_case)
        elastic.refusal = (struct elastic_refusal){.missing = 10 * MIB, .holder = "shell"};
    mem_host_resize(0);
    CHECK_EQ(run_command("vmem", false), 0);
    CHECK_EQ(shim_log_count("waiting: the device is busy"), 1);
    shim_log_clear();
    shim_advance(NS_PER_S);
    CHECK_EQ(run_command("vmem", false), 0);
    CHECK_EQ(shim_log_count("waiting: pages are held"), 1);
    CHECK_EQ(shim_log_count("  unmet                10 MiB\n"), 1);
    CHECK_EQ(shim_log_count("kernel 10 MiB, fits nowhere else 0 B\n"), !test_case);
    CHECK_EQ(shim_log_count("kernel 0 B, fits nowhere else 10 MiB, holder shell\n"), test_case);
    CHECK_EQ(shim_log_count("  unplug           3"), 1);
    CHECK_EQ(shim_log_count(", 2 busy"), 1);
}

static void show(void)
{
    CHECK_EQ(run_command("vmem", false), 0);
}

/* What the worker is still at is no fault of anybody. */
TEST(vmem_on_its_way)
{
    mem_host_start(2 * MIB, 64);
    mem_host_resize(100 * MIB);
    elastic.on_take = show;
    mem_host_resize(20 * MIB);
    CHECK_EQ(shim_log_count(" unplugging\n"), 1);
    CHECK_EQ(shim_log_count("  unmet                   0 B\n"), 1);
}

TEST(vmem_machine)
{
    mem_host_create(1, FEATURE(VMEM_F_ACPI_PXM), 128 * MIB, 64 * GIB, 16 * GIB);
    mem_host_start(2 * MIB, 64);
    CHECK_EQ(virtio_device_add(&mem_hosts[1].fake->dev), 0);
    mem_host_request(&mem_hosts[1], 256 * MIB);
    mem_host_resize(100 * MIB);
    mem_host.usable = 110 * MIB;
    mem_host_resize(120 * MIB);
    CHECK_EQ(run_command("vmem", true), 0);
    CHECK_EQ(shim_log_count("fake0.state=waiting\n"), 1);
    CHECK_EQ(shim_log_count("fake0.reason=the usable region is full\n"), 1);
    CHECK_EQ(shim_log_count("fake0.holder=\n"), 1);
    CHECK_EQ(shim_log_count("fake0.start=4294967296\n"), 1);
    CHECK_EQ(shim_log_count("fake0.block_bytes=2097152\n"), 1);
    CHECK_EQ(shim_log_count("fake0.node=-1\n"), 1);
    CHECK_EQ(shim_log_count("fake1.node=7\n"), 1);
    CHECK_EQ(shim_log_count("fake0.requested_bytes=125829120\n"), 1);
    CHECK_EQ(shim_log_count("fake0.plugged_bytes=115343360\n"), 1);
    CHECK_EQ(shim_log_count("fake0.unmet_bytes=10485760\n"), 1);
    CHECK_EQ(shim_log_count("fake0.plug_ack=2\n"), 1);
    CHECK_EQ(shim_log_count("fake1.state=idle\n"), 1);
    CHECK_EQ(shim_log_count("devices=2\nrequested_bytes=394264576\nplugged_bytes=383778816\n"
                            "unmet_bytes=10485760\n"),
             1);
}

TEST(vmem_without_device)
{
    shim_boot(64 * MIB);
    fake_live(8, NULL); /* of another kind */
    CHECK_EQ(run_command("vmem", false), -ENODEV);
    CHECK_EQ(shim_log_count("no memory device"), 1);
}

/* A device that is not used any more: what mm has of it is still shown. */
TEST_CASES(vmem_not_in_use, 4)
{
    mem_host_start(2 * MIB, 64);
    mem_host_resize(100 * MIB);
    mem_host.fake->dev.live = false;
    mem_host.fake->dev.fault = test_case & 1 ? "misbehaved too often" : NULL;
    CHECK_EQ(run_command("vmem", test_case & 2), 0);
    CHECK_EQ(shim_log_count("not in use"), 1);
    CHECK_EQ(shim_log_count(test_case & 1 ? "misbehaved too often" : "reset"),
             test_case == 2 ? 2 : 1); /* resets=0 */
    CHECK_EQ(shim_log_count(test_case & 2 ? "fake0.plugged_bytes=104857600\n"
                                          : "  plugged             100 MiB\n"),
             1);
}

TEST(vmem_left_alone)
{
    mem_host_start(2 * MIB, 64);
    mem_host_lie(VMEM_PLUG, LIE_NOT_DONE, 0, 1);
    mem_host_resize(100 * MIB);
    CHECK_EQ(run_command("vmem", false), 0);
    CHECK_EQ(shim_log_count("left alone: it says that memory in use is unplugged"), 1);
}

TEST_CASES(vmem_never_started, 2)
{
    mem_host_create(0, 0, 2 * MIB, 4 * GIB, 128 * MIB);
    shim_boot(64 * MIB);
    mem_host.fake->refuses_features = test_case == 0;
    mem_host_config(&mem_host, VMEM_CONFIG_BLOCK, 5);
    CHECK(virtio_device_add(&mem_host.fake->dev) < 0);
    CHECK_EQ(run_command("vmem", false), 0);
    CHECK_EQ(shim_log_count("not in use: initialisation failed"), 1);
}
