/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The channel transport: revisions, refusals, interrupts of both kinds, resets.
 */
#include "fake_ccw.h"
#include <errno.h>
#include <string.h>

static struct virtio_device *dev;

static void start(void)
{
    CHECK_EQ(channel_probe(), 0);
    dev = channel_device();
    CHECK(dev->live);
    CHECK_EQ(channel.status, 15);
}

/* CCW-001: other control units are not ours. */
TEST(virtio_ccw_control_unit)
{
    channel_create();
    CHECK(channel_driver() != NULL);
    channel.ccw.unit_type = 0x3833;
    CHECK(channel_driver() == NULL);
}

/* CCW-004 to -007, CCW-010: the highest revision first, none after one that was taken. */
TEST_CASES(virtio_ccw_revisions, 3)
{
    channel_create();
    channel.max_revision = test_case;
    if (test_case == 0) {
        CHECK_EQ(channel_probe(), -ENOTSUP);
        CHECK_EQ(channel.commands, 2);
        CHECK_EQ(shim_log_count("legacy devices are not supported"), 1);
        CHECK(!channel.ccw.driver_data);
        return;
    }
    start();
    CHECK_EQ(channel.tries[0], 2);
    CHECK_EQ(channel.nr_tries, 3 - test_case);
    CHECK_EQ(channel.status_reads > 0, test_case == 2);
    CHECK_EQ(strcmp(dev->name, "virtio0 ccw 0.1234"), 0);
    for (unsigned i = 0; i < CHANNEL_QUEUES; i++)
        CHECK(channel.queues[i].size == 8 && channel.queues[i].descriptor % 16 == 0);
}

/* CCW-008: a command that is rejected changed nothing, whether the status can be read or not.
 */
TEST_CASES(virtio_ccw_features_refused, 2)
{
    channel_create();
    channel.max_revision = 1 + test_case;
    channel.refuses_features = true;
    CHECK_EQ(channel_probe(), 0);
    dev = channel_device();
    CHECK(!dev->live && dev->fault);
    CHECK_EQ(shim_log_count("refuses the features"), 1);
    CHECK_EQ(channel.status, VIRTIO_STATUS_FAILED);
    CHECK_EQ(script.probes, 0);
}

/* FEAT-007: what this transport has no command for is not accepted. */
TEST(virtio_ccw_features)
{
    channel_create();
    channel.offered.word[0] = channel.offered.word[1] = UINT64_MAX;
    start();
    for (unsigned bit = 37; bit <= 49; bit++)
        CHECK_EQ(virtio_features_test(&channel.accepted, bit),
                 bit == VIRTIO_F_NOTIFICATION_DATA);
    CHECK_EQ(channel.accepted.word[0], dev->accepted.word[0]);
    CHECK_EQ(channel.accepted.word[1], dev->accepted.word[1]);
}

/* CCW-009: only the status says that the device wants a reset. */
TEST(virtio_ccw_asks_for_a_reset)
{
    channel_create();
    start();
    channel_config_changed();
    shim_settle();
    CHECK_EQ(script.config_changes, 1);
    channel.status |= VIRTIO_STATUS_NEEDS_RESET;
    channel_config_changed();
    shim_settle();
    CHECK_EQ(script.config_changes, 1);
    CHECK_EQ(script.probes, 2);
    CHECK(dev->live);
}

static void summary_is_clear(void)
{
    CHECK_EQ(*(uint8_t *)shim_phys(channel.adapter.summary), 0); /* CCW-011 */
}

TEST(virtio_ccw_adapter_interrupts)
{
    channel_create();
    start();
    script.on_callback = summary_is_clear;
    for (unsigned i = 0; i < 4; i++) {
        channel_raise(i % CHANNEL_QUEUES);
        CHECK_EQ(script.callbacks, i + 1);
    }
    CHECK_EQ(*(uint64_t *)shim_phys(channel.adapter.indicators), 0);
    channel.handler(channel.handler_arg); /* another device's */
    CHECK_EQ(script.callbacks, 4);
}

TEST(virtio_ccw_classic_interrupts)
{
    channel_create();
    channel.refuses_adapter = true;
    start();
    CHECK(!channel.handler);
    for (unsigned i = 0; i < 4; i++) {
        channel_raise(i % CHANNEL_QUEUES);
        CHECK_EQ(script.callbacks, i + 1);
    }
    CHECK_EQ(virtio_restart(dev), 0);
    script.callbacks = 0;
    channel_raise(1);
    CHECK_EQ(script.callbacks, 1);
}

/* CCW-012; the 32-bit form goes to the host as it is. */
TEST_CASES(virtio_ccw_notifies, 2)
{
    struct virtio_sg sg = {0x10000, 16};

    channel_create();
    if (test_case)
        virtio_features_set(&channel.offered, VIRTIO_F_NOTIFICATION_DATA);
    start();
    for (unsigned i = 0; i < 6; i++) {
        CHECK_EQ(virtqueue_add(script.queues[i % 2], &sg, 1, 0, &sg), 0);
        virtqueue_kick(script.queues[i % 2]);
        CHECK_EQ(channel.notified, i + 1);
        CHECK_EQ(channel.notification, i % 2 | (test_case ? (i / 2 + 1) << 16 : 0));
    }
    memset(channel.cookies, 0, sizeof(channel.cookies)); /* of the life before */
    CHECK_EQ(virtio_restart(dev), 0);
    CHECK_EQ(virtqueue_add(script.queues[0], &sg, 1, 0, &sg), 0);
    virtqueue_kick(script.queues[0]);
    CHECK_EQ(channel.notified, 7);
}

/* CCW-013: a reset that fails once begins anew, one that fails again cuts the device off. */
TEST_CASES(virtio_ccw_reset_fails, 2)
{
    channel_create();
    start();
    channel.nr_tries = 0;
    channel.resets_failing = 1 + test_case;
    script.device_hangs = test_case;
    if (test_case == 0) {
        CHECK_EQ(virtio_restart(dev), 0);
        CHECK(dev->live && channel.nr_tries == 1);
        return;
    }
    virtio_device_gone(dev);
    CHECK(channel.disabled);
    CHECK_EQ(shim_log_count("does not finish its reset, cut off"), 1);
}

TEST(virtio_ccw_config)
{
    uint64_t value;

    channel_create();
    start();
    for (unsigned i = 0; i < CHANNEL_CONFIG; i++)
        channel.config[i] = (uint8_t)(i + 1);
    for (unsigned width = 1; width <= 8; width *= 2) {
        CHECK_EQ(virtio_config_get(dev, 8, width, &value), 0);
        CHECK_EQ(value, UINT64_C(0x100f0e0d0c0b0a09) & (UINT64_MAX >> (64 - 8 * width)));
        CHECK_EQ(virtio_config_put(dev, 0, width, value), 0);
        CHECK_EQ(memcmp(channel.config, channel.config + 8, width), 0);
    }
    CHECK_EQ(virtio_config_get(dev, CHANNEL_CONFIG, 1, &value), -ERANGE);
    CHECK_EQ(virtio_config_put(dev, CHANNEL_CONFIG - 2, 4, 0), -ERANGE);
    CHECK_EQ(virtio_config_get(dev, 4096, 4, &value), -ERANGE);
    CHECK(!virtio_queue_exists(dev, CHANNEL_QUEUES));
}

/* What comes back is a new device: its revision is set before anything else. */
TEST(virtio_ccw_gone_and_back)
{
    channel_create();
    start();
    channel_driver()->gone(&channel.ccw);
    CHECK(!dev->live && script.removes == 1);
    channel.revision = channel.nr_tries = channel.status = 0;
    channel_driver()->back(&channel.ccw);
    CHECK(dev->live && channel.nr_tries == 1);
    script.callbacks = 0;
    channel_raise(0);
    CHECK_EQ(script.callbacks, 1);
}
