/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access to a device's configuration space, consistent across several reads.
 */
#include "internal.h"
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/panic.h>

/* A device that changes its configuration more often than this during one read is broken. */
#define GENERATION_TRIES 64

/* Fields wider than 32 bits are read in halves (CFG-001); the generation makes them one. */
static int read_halves(struct virtio_device *dev, unsigned offset, unsigned width,
                       uint64_t *value)
{
    uint32_t low = 0, high = 0;
    int error = dev->ops->config_read(dev, offset, MIN(width, 4u), &low);

    if (!error && width == 8)
        error = dev->ops->config_read(dev, offset + 4, 4, &high);
    *value = (uint64_t)high << 32 | low;
    return error;
}

static bool width_is_valid(unsigned width)
{
    return width == 1 || width == 2 || width == 4 || width == 8;
}

int virtio_config_get(struct virtio_device *dev, unsigned offset, unsigned width,
                      uint64_t *value)
{
    ASSERT(width_is_valid(width));
    for (unsigned i = 0; i < GENERATION_TRIES; i++) {
        uint32_t before = dev->ops->config_generation(dev);
        int error = read_halves(dev, offset, width, value);

        if (error)
            return error;
        if (dev->ops->config_generation(dev) == before) /* CFG-003 */
            return 0;
    }
    log_warning("virtio", "%s: the configuration field at %u changes at every read", dev->name,
                offset);
    return -EIO;
}

int virtio_config_put(struct virtio_device *dev, unsigned offset, unsigned width,
                      uint64_t value)
{
    int error;

    ASSERT(width_is_valid(width));
    error = dev->ops->config_write(dev, offset, MIN(width, 4u), (uint32_t)value);
    if (!error && width == 8)
        error = dev->ops->config_write(dev, offset + 4, 4, (uint32_t)(value >> 32));
    return error;
}
