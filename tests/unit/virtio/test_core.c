/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio core: initialisation in order, each way it can fail, recovery.
 */
#include "fake.h"
#include <errno.h>
#include <neap/alloc.h>
#include <string.h>

TEST(core_initialises_in_order)
{
    struct fake *fake = fake_prepare(2);

    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    CHECK_EQ(strcmp(fake->history, "0ADoaFiqqK"), 0);
    CHECK(fake->dev.live);
    CHECK_EQ(fake->status, 1 | 2 | 4 | 8);
    CHECK_EQ(script.probes, 1);
}

TEST(core_notifies_only_after_driver_ok)
{
    struct fake *fake = fake_prepare(1);

    script.kick_in_probe = true;
    fake->queues[0].serve = fake_serve_all;
    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    CHECK_EQ(strcmp(fake->history, "0ADoaFiqKn"), 0);
    CHECK_EQ(script.callbacks, 1);
}

TEST(core_without_driver)
{
    struct fake *fake = fake_create(60);

    shim_boot(64 * MIB);
    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    CHECK_EQ(fake->nr_history, 0);
    CHECK_EQ(shim_log_count("no driver for device id 60"), 1);
    fake_config_changed(fake);
    shim_settle();
}

static void expect_failure(struct fake *fake, int error, const char *history)
{
    uint64_t probes = script.probes;

    CHECK_EQ(virtio_device_add(&fake->dev), error);
    CHECK_EQ(strcmp(fake->history, history), 0);
    CHECK(!fake->dev.live && fake->dev.fault);
    CHECK_EQ(fake->status & VIRTIO_STATUS_FAILED, VIRTIO_STATUS_FAILED);
    CHECK_EQ(script.removes, 0);
    CHECK_EQ(fake->dev.nr_queues, 0);
    /* An interrupt or a configuration change of a failed device reaches nobody. */
    virtio_queue_interrupt(&fake->dev, 0);
    fake_config_changed(fake);
    shim_settle();
    CHECK_EQ(script.callbacks + script.config_changes, 0);
    CHECK(script.probes <= probes + 1);
}

TEST(core_reset_hangs)
{
    struct fake *fake = fake_prepare(1);

    fake->reset_hangs = true;
    expect_failure(fake, -ETIMEDOUT, "00rX");
    CHECK_EQ(shim_log_count("does not finish its reset"), 1);
}

TEST(core_device_refuses_features)
{
    struct fake *fake = fake_prepare(1);

    fake->refuses_features = true;
    expect_failure(fake, -ENOTSUP, "0ADoaF0rX");
    CHECK_EQ(shim_log_count("refuses the features"), 1);
}

TEST(core_legacy_device)
{
    struct fake *fake = fake_prepare(1);

    fake->offered.word[0] = 0;
    expect_failure(fake, -ENOTSUP, "0ADo0rX");
    CHECK_EQ(shim_log_count("legacy devices are not supported"), 1);
}

TEST(core_driver_lacks_a_feature)
{
    struct fake *fake = fake_prepare(1);

    script.check_error = -ENOTSUP;
    expect_failure(fake, -ENOTSUP, "0ADo0rX");
    CHECK_EQ(shim_log_count("lacks a feature"), 1);
}

TEST(core_queue_absent)
{
    struct fake *fake = fake_prepare(2);

    fake->queues[1].max_size = 0;
    expect_failure(fake, -ENOENT, "0ADoaF0rX");
    CHECK_EQ(shim_log_count("has no queue 1"), 1);
    CHECK(script.queues[0] == NULL);
}

TEST(core_queue_number_beyond_the_table)
{
    struct fake *fake = fake_prepare(1);

    script.indices[0] = VIRTIO_QUEUES_MAX;
    expect_failure(fake, -ENOENT, "0ADoaF0rX");
    CHECK(!virtio_queue_exists(&fake->dev, VIRTIO_QUEUES_MAX));
    virtio_queue_interrupt(&fake->dev, VIRTIO_QUEUES_MAX);
}

TEST(core_queue_refused)
{
    struct fake *fake = fake_prepare(2);

    fake->refuses_queue = 1;
    expect_failure(fake, -EIO, "0ADoaFiqq0rX");
    CHECK_EQ(shim_log_count("queue 1 (test) cannot be enabled"), 1);
}

TEST(core_no_interrupts)
{
    struct fake *fake = fake_prepare(1);

    fake->refuses_interrupts = true;
    expect_failure(fake, -ENOSPC, "0ADoaFi0rX");
}

TEST(core_probe_fails)
{
    struct fake *fake = fake_prepare(1);

    script.probe_error = -EIO;
    expect_failure(fake, -EIO, "0ADoaFiq0rX");
}

TEST(core_features_known_only)
{
    struct fake *fake = fake_prepare(1);
    static const unsigned good[] = {3, 28, 29, 32, 33, 34, 35, 36, 38, 70};

    fake->offered.word[0] = fake->offered.word[1] = UINT64_MAX;
    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    for (unsigned bit = 0, i = 0; bit < 128; bit++) {
        bool wanted = i < ARRAY_SIZE(good) && good[i] == bit;

        CHECK_EQ(virtio_accepted(&fake->dev, bit), wanted);
        i += wanted;
    }
    CHECK(!virtio_accepted(&fake->dev, 128));
}

TEST(core_transport_filters_features)
{
    struct fake *fake = fake_prepare(1);

    fake_offer(fake, VIRTIO_F_EVENT_IDX);
    fake_offer(fake, 3);
    fake->filter = UINT64_C(1) << VIRTIO_F_EVENT_IDX;
    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    CHECK(!virtio_accepted(&fake->dev, VIRTIO_F_EVENT_IDX));
    CHECK(virtio_accepted(&fake->dev, 3));
}

TEST_CASES(core_queue_size, 5)
{
    static const struct {
        unsigned device, driver, want;
    } cases[] = {{8, 0, 8}, {100, 0, 64}, {8, 4, 4}, {1, 0, 1}, {65535, 256, 256}};
    struct fake *fake = fake_prepare(1);

    fake->queues[0].max_size = cases[test_case].device;
    script.max_size = cases[test_case].driver;
    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    CHECK_EQ(virtqueue_size(script.queues[0]), cases[test_case].want);
    CHECK_EQ(virtqueue_room(script.queues[0]), cases[test_case].want);
}

/* A ring of 32768 needs an order of 8; the failure of that allocation halves the ring. */
TEST(core_ring_shrinks_when_memory_is_short)
{
    struct fake *fake = fake_prepare(1);

    fake->queues[0].max_size = 65535;
    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    CHECK_EQ(virtqueue_size(script.queues[0]), 32768);
    fake->queues[0].max_size = 32;
    virtio_device_misbehaved(&fake->dev, "for once");
    alloc_inject_failure(1, 0);
    shim_settle();
    CHECK(fake->dev.live);
    CHECK(virtqueue_size(script.queues[0]) >= 16);
}

TEST(core_misbehaviour_resets_and_probes_again)
{
    struct fake *fake = fake_prepare(1);

    fake->queues[0].serve = fake_serve_all;
    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    for (unsigned i = 1; i <= VIRTIO_RESETS_MAX; i++) {
        struct virtqueue *queue = script.queues[0];
        struct virtio_sg sg = {0x1000, 16};

        virtio_device_misbehaved(&fake->dev, "a test says so");
        virtio_device_misbehaved(&fake->dev, "twice");
        CHECK(virtqueue_broken(queue));
        CHECK_EQ(virtqueue_add(queue, &sg, 1, 0, fake), -EIO);
        virtqueue_kick(queue);
        CHECK(virtqueue_take(queue, NULL) == NULL);
        CHECK(!virtqueue_enable_callback(queue));
        virtqueue_disable_callback(queue);
        shim_settle();
        CHECK_EQ(script.removes, i);
        CHECK_EQ(script.probes, i + 1);
        CHECK_EQ(fake->dev.resets, i);
        CHECK(fake->dev.live && !fake->dev.fault);
        CHECK_EQ(virtqueue_add(script.queues[0], &sg, 1, 0, fake), 0);
        virtqueue_kick(script.queues[0]);
        CHECK(virtqueue_take(script.queues[0], NULL) == fake);
    }
    CHECK_EQ(shim_log_count("a test says so"), VIRTIO_RESETS_MAX);
    CHECK_EQ(shim_log_count("twice"), 0);
    virtio_device_misbehaved(&fake->dev, "once too often");
    shim_settle();
    CHECK(!fake->dev.live && fake->dev.fault);
    CHECK_EQ(fake->status, VIRTIO_STATUS_FAILED);
    CHECK_EQ(shim_log_count("left alone"), 1);
    virtio_device_misbehaved(&fake->dev, "nobody listens");
    shim_settle();
    CHECK_EQ(shim_log_count("nobody listens"), 0);
}

TEST(core_recovery_that_fails_gives_up)
{
    struct fake *fake = fake_prepare(1);

    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    fake->refuses_features = true;
    virtio_device_misbehaved(&fake->dev, "test");
    shim_settle();
    CHECK(!fake->dev.live && fake->dev.fault);
    CHECK_EQ(script.removes, 1);
    CHECK_EQ(script.probes, 1);
}

/* STATUS-003: a device that failed is reset before anything else. */
TEST(core_starts_again_after_a_failure)
{
    struct fake *fake = fake_prepare(1);

    fake->refuses_features = true;
    CHECK_EQ(virtio_device_add(&fake->dev), -ENOTSUP);
    CHECK_EQ(fake->status, VIRTIO_STATUS_FAILED);
    fake->refuses_features = false;
    fake->nr_history = 0;
    CHECK_EQ(virtio_restart(&fake->dev), 0);
    CHECK_EQ(strncmp(fake->history, "0r0ADoaFiqK", fake->nr_history), 0);
    CHECK(fake->dev.live);
}

TEST(core_device_asks_for_a_reset)
{
    struct fake *fake = fake_prepare(1);

    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    fake->status |= VIRTIO_STATUS_NEEDS_RESET;
    fake_config_changed(fake);
    shim_settle();
    CHECK_EQ(script.config_changes, 0);
    CHECK_EQ(script.probes, 2);
    CHECK_EQ(shim_log_count("asks for a reset"), 1);
}

TEST(core_config_change_reaches_the_driver)
{
    struct fake *fake = fake_prepare(1);

    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    fake_config_changed(fake);
    shim_settle();
    CHECK_EQ(script.config_changes, 1);
}

/* Queues 0 and 2, no callbacks: nothing is called and nobody looks for queue 1. */
TEST(core_queues_with_a_hole)
{
    struct fake *fake = fake_prepare(2);

    script.indices[1] = 2;
    fake->queues[2].max_size = 8;
    script.no_callback = true;
    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    for (unsigned i = 0; i < 4; i++)
        virtio_queue_interrupt(&fake->dev, i);
    virtio_device_misbehaved(&fake->dev, "a test says so");
    shim_settle();
    CHECK(fake->dev.live);
    CHECK_EQ(script.callbacks, 0);
}
