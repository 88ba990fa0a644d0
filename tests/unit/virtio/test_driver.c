/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio driver that does what a test's script says.
 */
#include "fake.h"
#include <errno.h>
#include <neap/alloc.h>

struct test_driver_script script;

static int check_features(struct virtio_device *dev, struct virtio_features *accepted)
{
    (void)dev;
    (void)accepted;
    return script.check_error;
}

static void callback(struct virtqueue *queue, void *arg)
{
    (void)queue;
    CHECK(arg == &script);
    script.callbacks++;
    if (script.on_callback)
        script.on_callback();
    wake_all(&script.waiters);
}

static int probe(struct virtio_device *dev)
{
    struct virtio_queue_request requests[TEST_DRIVER_QUEUES] = {{0}};

    script.probes++;
    waitqueue_init(&script.waiters, "test driver");
    for (unsigned i = 0; i < script.nr_queues; i++)
        requests[i] = (struct virtio_queue_request){
            .index = script.indices[i],
            .name = "test",
            .callback = script.no_callback ? NULL : callback,
            .arg = &script,
            .max_size = script.max_size,
            .max_pieces = script.max_pieces,
        };
    script.find_error = virtio_find_queues(dev, requests, script.nr_queues);
    for (unsigned i = 0; i < script.nr_queues; i++)
        script.queues[i] = requests[i].queue;
    if (script.find_error)
        return script.find_error;
    if (script.kick_in_probe) {
        struct virtio_sg sg = {0x1000, 16};

        CHECK_EQ(virtqueue_add(script.queues[0], &sg, 1, 0, &script), 0);
        virtqueue_kick(script.queues[0]);
    }
    if (script.probe_error)
        return script.probe_error;
    virtio_device_ready(dev);
    return 0;
}

static void config_changed(struct virtio_device *dev)
{
    CHECK(mutex_is_mine(&dev->lock));
    script.config_changes++;
}

static void quiesce(struct virtio_device *dev)
{
    CHECK(dev->ops->get_status(dev) & VIRTIO_STATUS_DRIVER_OK);
    for (unsigned i = 0; i < script.nr_queues; i++)
        CHECK(virtqueue_broken(script.queues[i]));
    script.quiesces++;
}

static void driver_remove(struct virtio_device *dev)
{
    CHECK(!dev->live);
    CHECK(script.device_hangs || dev->ops->get_status(dev) == 0);
    CHECK_EQ(script.quiesces, ++script.removes);
    for (unsigned i = 0; i < script.nr_queues; i++)
        script.queues[i] = NULL;
}

static const int features[] = {3, 70, -1};

static const struct virtio_driver test_driver = {
    .name = "test",
    .device_id = TEST_DEVICE_ID,
    .features = features,
    .check_features = check_features,
    .probe = probe,
    .config_changed = config_changed,
    .quiesce = quiesce,
    .remove = driver_remove,
};

VIRTIO_DRIVER(test_driver);

struct fake *fake_live(unsigned size, const int *ring_features)
{
    struct fake *fake = fake_create(TEST_DEVICE_ID);

    for (; ring_features && *ring_features >= 0; ring_features++)
        fake_offer(fake, (unsigned)*ring_features);
    fake->queues[0].max_size = size;
    script.nr_queues = 1;
    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    CHECK(script.queues[0] != NULL);
    return fake;
}
