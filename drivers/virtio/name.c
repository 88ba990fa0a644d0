/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What devices are called: class, number within the class, place.
 */
#include "internal.h"
#include <neap/format.h>

static const char *const classes[] = {
    [VIRTIO_ID_NET] = "net",
    [VIRTIO_ID_BLOCK] = "blk",
    [3] = "console",
    [VIRTIO_ID_RNG] = "rng",
    [VIRTIO_ID_BALLOON] = "balloon",
    [8] = "scsi",
    [9] = "9p",
    [VIRTIO_ID_MEM] = "mem",
};

void virtio_device_name(struct virtio_device *dev, const char *place)
{
    static unsigned numbers[ARRAY_SIZE(classes)]; /* [0]: of all that have no name */
    unsigned id = dev->device_id;

    if (id >= ARRAY_SIZE(classes) || !classes[id])
        id = 0;
    format_string(dev->name, sizeof(dev->name), "%s%u %s", id ? classes[id] : "virtio",
                  numbers[id]++, place);
}
