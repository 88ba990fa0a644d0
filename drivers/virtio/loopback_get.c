/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making devices of software: on demand, or at start-up with loopback= on the command line.
 */
#include "internal.h"
#include "loopback.h"
#include <neap/bus.h>
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/log.h>
#include <neap/thread.h>
#include <string.h>

#define QUEUE_SIZE 256

static const struct loopback_model *const models[] = {&loopback_net, &loopback_balloon,
                                                      &loopback_mem};
static struct loopback *made[ARRAY_SIZE(models)];
static bool wanted[ARRAY_SIZE(models)];

/* All that a ring may have; a test takes some away. */
static const int ring_features[] = {VIRTIO_F_VERSION_1,         VIRTIO_F_INDIRECT_DESC,
                                    VIRTIO_F_EVENT_IDX,         VIRTIO_F_RING_PACKED,
                                    VIRTIO_F_IN_ORDER,          VIRTIO_F_ORDER_PLATFORM,
                                    VIRTIO_F_NOTIFICATION_DATA, -1};

static int find_model(const char *name, size_t length)
{
    for (unsigned i = 0; i < ARRAY_SIZE(models); i++)
        if (strlen(models[i]->name) == length && !strncmp(models[i]->name, name, length))
            return (int)i;
    return -1;
}

static void offer(struct loopback *loopback, const int *features)
{
    for (; *features >= 0; features++)
        virtio_features_set(&loopback->offered, (unsigned)*features);
}

static struct loopback *make(const struct loopback_model *model)
{
    struct loopback *loopback = kcalloc(1, sizeof(*loopback), 0);

    if (!loopback)
        return NULL;
    loopback->model = model;
    loopback->queue_size = QUEUE_SIZE;
    loopback->dev.ops = &loopback_ops;
    loopback->dev.device_id = model->device_id;
    mutex_init(&loopback->lock, "loopback device", LOCK_RANK_CHANNEL);
    waitqueue_init(&loopback->events, "loopback device");
    offer(loopback, ring_features);
    offer(loopback, model->features);
    if (!model->init(loopback) ||
        !thread_create("loopback", THREAD_NORMAL, loopback_thread, loopback)) {
        kfree(loopback);
        return NULL;
    }
    virtio_device_name(&loopback->dev, "loopback");
    /* The core logs what goes wrong from here on. */
    virtio_device_add(&loopback->dev);
    return loopback;
}

struct loopback *loopback_get(const char *name)
{
    int i = find_model(name, strlen(name));

    if (i < 0)
        return NULL;
    if (!made[i]) {
        made[i] = make(models[i]);
        if (!made[i])
            log_error("virtio", "there is no loopback device: %s", name);
    }
    return made[i];
}

static int set_loopback(const char *value)
{
    while (*value) {
        size_t length = strcspn(value, ",");
        int i = find_model(value, length);

        if (i < 0)
            return -EINVAL;
        wanted[i] = true;
        value += length + (value[length] == ',');
    }
    return 0;
}
CMDLINE_KEY(loopback, "net, balloon, mem: devices made of software, for tests and trials",
            set_loopback);

static void add_wanted(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(models); i++)
        if (wanted[i])
            (void)loopback_get(models[i]->name);
}
BUS(loopback, add_wanted);
