/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Feature negotiation: accept what the core, the transport and the driver all understand.
 */
#include "internal.h"
#include <neap/errors.h>
#include <neap/log.h>

/*
 * Features of rings and of the core itself. ACCESS_PLATFORM is one of them because neap never
 * switches an IOMMU on, so that bus addresses equal physical ones (FEAT-016); a device that
 * offers it works with nobody who declines. What the core never uses (RING_RESET) stays away.
 */
static const int core_features[] = {
    VIRTIO_F_INDIRECT_DESC,   VIRTIO_F_EVENT_IDX,         VIRTIO_F_VERSION_1,
    VIRTIO_F_ACCESS_PLATFORM, VIRTIO_F_RING_PACKED,       VIRTIO_F_IN_ORDER,
    VIRTIO_F_ORDER_PLATFORM,  VIRTIO_F_NOTIFICATION_DATA, -1,
};

/* FEAT-001, FEAT-004 to FEAT-008: only bits that are named here or by the driver, and offered.
 */
static void accept_known(struct virtio_device *dev, const int *known)
{
    for (; *known >= 0; known++)
        if (virtio_offered(dev, (unsigned)*known))
            virtio_features_set(&dev->accepted, (unsigned)*known);
}

int virtio_negotiate(struct virtio_device *dev)
{
    int error;

    dev->offered = (struct virtio_features){0};
    dev->accepted = (struct virtio_features){0};
    dev->ops->get_features(dev, &dev->offered);
    accept_known(dev, core_features);
    accept_known(dev, dev->driver->features);
    error = dev->ops->filter_features ? dev->ops->filter_features(dev, &dev->accepted) : 0;
    if (error)
        return error;
    /* FEAT-014: a device without it is a legacy one. */
    if (!virtio_accepted(dev, VIRTIO_F_VERSION_1)) {
        log_error("virtio",
                  "%s: does not offer VIRTIO_F_VERSION_1: legacy devices are not supported",
                  dev->name);
        return -ENOTSUP;
    }
    if (!dev->driver->check_features)
        return 0;
    error = dev->driver->check_features(dev, &dev->accepted);
    if (error)
        log_error("virtio", "%s: the %s driver lacks a feature it needs (offered %#llx)",
                  dev->name, dev->driver->name, (unsigned long long)dev->offered.word[0]);
    return error;
}
