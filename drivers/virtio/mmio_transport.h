/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MMIO transport, version 2 (virtio 1.4, 4.2): its registers, each 32 bits wide.
 */
#ifndef VIRTIO_MMIO_TRANSPORT_H
#define VIRTIO_MMIO_TRANSPORT_H

#include <neap/virtio.h>

#define MMIO_MAGIC                 0x000
#define MMIO_VERSION               0x004
#define MMIO_DEVICE_ID             0x008 /* 0: nothing is plugged in here */
#define MMIO_DEVICE_FEATURES       0x010
#define MMIO_DEVICE_FEATURE_SELECT 0x014
#define MMIO_DRIVER_FEATURES       0x020
#define MMIO_DRIVER_FEATURE_SELECT 0x024
#define MMIO_QUEUE_SELECT          0x030
#define MMIO_QUEUE_SIZE_MAX        0x034
#define MMIO_QUEUE_SIZE            0x038
#define MMIO_QUEUE_READY           0x044
#define MMIO_QUEUE_NOTIFY          0x050
#define MMIO_INTERRUPT_STATUS      0x060
#define MMIO_INTERRUPT_ACK         0x064
#define MMIO_STATUS                0x070
#define MMIO_QUEUE_DESCRIPTOR      0x080 /* low half, then the high one */
#define MMIO_QUEUE_DRIVER          0x090
#define MMIO_QUEUE_DEVICE          0x0a0
#define MMIO_GENERATION            0x0fc
#define MMIO_CONFIG                0x100 /* to the end */

#define MMIO_MAGIC_VALUE 0x74726976u
#define MMIO_VERSION_2   2u

struct mmio_transport {
    struct virtio_device dev;
    volatile uint8_t *registers;
    uint64_t bytes; /* of registers, the configuration included */
    unsigned line;
    bool attached; /* to the line */
};

static inline struct mmio_transport *to_mmio(struct virtio_device *dev)
{
    return container_of(dev, struct mmio_transport, dev);
}

extern const struct virtio_transport_ops mmio_transport_ops;

#endif
