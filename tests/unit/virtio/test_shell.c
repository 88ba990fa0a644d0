/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a person sees: the commands `balloon` and `devices`.
 */
#include "fake_balloon.h"
#include "fake_pci.h"
#include "kernel.h"
#include <errno.h>

static const uint64_t features =
    FEATURE(BALLOON_F_STATS_VQ) | FEATURE(BALLOON_F_DEFLATE_ON_OOM) |
    FEATURE(BALLOON_F_PAGE_REPORTING) | FEATURE(BALLOON_F_FREE_PAGE_HINT);

TEST(shell_balloon_table)
{
    host_start(128 * MIB, features);
    host_set_target(1000);
    CHECK_EQ(run_command("balloon", false), 0);
    CHECK_EQ(shim_log_count("  1000 pages"), 2); /* target, actual */
    CHECK_EQ(shim_log_count(" deflate-on-oom"), 1);
    CHECK_EQ(shim_log_count(" must-tell-host"), 0);
    CHECK_EQ(shim_log_count(" hint=3"), 1);
    CHECK_EQ(shim_log_count(" report=4"), 1);
}

TEST(shell_balloon_machine)
{
    host_start(128 * MIB, features & ~FEATURE(BALLOON_F_FREE_PAGE_HINT));
    host_set_target(1000);
    CHECK_EQ(run_command("balloon", true), 0);
    CHECK_EQ(shim_log_count("target_pages=1000\n"), 1);
    CHECK_EQ(shim_log_count("actual_bytes=4096000\n"), 1);
    CHECK_EQ(shim_log_count("unmet_bytes=0\n"), 1);
    CHECK_EQ(shim_log_count("queue_report=3\n"), 1);
    CHECK_EQ(shim_log_count("queue_hint"), 0);
}

TEST(shell_balloon_without_device)
{
    shim_boot(64 * MIB);
    fake_live(8, NULL); /* of another kind */
    CHECK_EQ(run_command("balloon", false), -ENODEV);
    CHECK_EQ(shim_log_count("no balloon device"), 1);
}

TEST_CASES(shell_balloon_not_in_use, 2)
{
    host_create(0, LAYOUT_COMPACT);
    shim_boot(64 * MIB);
    host.fake->refuses_features = test_case == 0;
    virtio_device_add(&host.fake->dev);
    host.fake->dev.live = false;
    CHECK_EQ(run_command("balloon", false), 0);
    CHECK_EQ(shim_log_count("not in use: "), 1);
    CHECK_EQ(shim_log_count("initialisation failed"), test_case == 0);
}

TEST_CASES(shell_devices, 2)
{
    struct fake *alien, *broken;

    model_create();
    shim_boot(64 * MIB);
    model_scan();
    alien = fake_create(50);
    CHECK_EQ(virtio_device_add(&alien->dev), 0);
    broken = fake_create(VIRTIO_ID_BALLOON);
    CHECK(virtio_device_add(&broken->dev) < 0);
    shim_log_clear();
    run_listers(test_case);
    CHECK_EQ(shim_log_count("1af4"), 1);
    CHECK_EQ(shim_log_count("00:05.0"), 2);
    CHECK_EQ(shim_log_count("live"), 1);
    CHECK_EQ(shim_log_count("no driver"), 1);
    CHECK_EQ(shim_log_count("initialisation failed"), 1);
    CHECK_EQ(shim_log_count("queue 2 test, 16 entries"), !test_case);
    CHECK_EQ(shim_log_count("driver=virtio"), test_case);
    pci_nth(0)->driver = NULL;
    pci_nth(0)->driver_data = NULL;
    run_listers(test_case);
    CHECK_EQ(shim_log_count("driver=-"), test_case);
}
