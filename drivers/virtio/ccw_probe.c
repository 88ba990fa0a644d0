/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio devices behind channels: the control unit's model is the device id.
 */
#include "ccw_transport.h"
#include "internal.h"
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/kmalloc.h>
#include <neap/log.h>

#define UNIT_TYPE_VIRTIO 0x3832
#define REVISION_MAX     2
#define REVISION_MIN     1 /* 0: a legacy device */

/* The first command of all, once in a device's life. */
int ccw_agree_on_revision(struct ccw_transport *transport)
{
    int error = -ENOTSUP;

    for (unsigned revision = REVISION_MAX; revision >= REVISION_MIN && error; revision--) {
        struct ccw_revision wanted = {.revision = (uint16_t)revision};

        error = ccw_write(transport, CCW_SET_REVISION, &wanted, sizeof(wanted));
        transport->revision = revision;
    }
    return error;
}

static int virtio_ccw_probe(struct ccw_device *ccw)
{
    struct ccw_transport *transport = kcalloc(1, sizeof(*transport), 0);
    char place[16];
    int error;

    if (!transport)
        return -ENOMEM;
    transport->ccw = ccw;
    transport->dev.ops = &ccw_transport_ops;
    transport->dev.device_id = ccw->unit_model;
    format_string(place, sizeof(place), "ccw %x.%04x", ccw->id >> 17 & 3, ccw->number);
    virtio_device_name(&transport->dev, place);
    error = ccw_agree_on_revision(transport);
    if (error) {
        log_error("virtio",
                  "%s: takes neither revision 2 nor 1: legacy devices are not supported",
                  transport->dev.name);
        kfree(transport);
        return error;
    }
    ccw->driver_data = transport;
    /* The core logs what goes wrong from here on; the device stays listed with its fault. */
    virtio_device_add(&transport->dev);
    return 0;
}

static void virtio_ccw_gone(struct ccw_device *ccw)
{
    struct ccw_transport *transport = ccw->driver_data;

    virtio_device_gone(&transport->dev);
}

static void virtio_ccw_back(struct ccw_device *ccw)
{
    struct ccw_transport *transport = ccw->driver_data;

    /* Anything else that comes first makes it a legacy device. */
    (void)ccw_agree_on_revision(transport);
    if (transport->dev.driver)
        (void)virtio_restart(&transport->dev); /* which logs what goes wrong */
}

static const struct ccw_driver virtio_ccw = {
    .name = "virtio",
    .unit_type = UNIT_TYPE_VIRTIO,
    .probe = virtio_ccw_probe,
    .gone = virtio_ccw_gone,
    .back = virtio_ccw_back,
};

CCW_DRIVER(virtio_ccw);
