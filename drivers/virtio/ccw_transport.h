/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the channel I/O transport share (virtio 1.4, 4.3). Structures are
 * big-endian here, but for the feature words.
 */
#ifndef VIRTIO_CCW_TRANSPORT_H
#define VIRTIO_CCW_TRANSPORT_H

#include <neap/ccw.h>
#include <neap/virtio.h>

enum {
    CCW_SET_QUEUE = 0x13,
    CCW_RESET = 0x33,
    CCW_WRITE_FEATURES = 0x11,
    CCW_READ_FEATURES = 0x12,
    CCW_WRITE_CONFIG = 0x21,
    CCW_READ_CONFIG = 0x22,
    CCW_WRITE_STATUS = 0x31,
    CCW_READ_QUEUE = 0x32,
    CCW_SET_INDICATORS = 0x43,
    CCW_SET_CONFIG_INDICATORS = 0x53,
    CCW_READ_STATUS = 0x72,
    CCW_SET_ADAPTER_INDICATORS = 0x73,
    CCW_SET_REVISION = 0x83,
};

struct ccw_revision {
    uint16_t revision;
    uint16_t length; /* of further data: none up to revision 2 */
};

struct ccw_features {
    uint32_t word; /* little-endian */
    uint8_t index;
} __attribute__((packed));

struct ccw_queue_size {
    uint16_t index;
    uint16_t max_size;
};

struct ccw_queue {
    uint64_t descriptor;
    uint32_t reserved;
    uint16_t index;
    uint16_t size;
    uint64_t driver;
    uint64_t device;
};

struct ccw_adapter_indicators {
    uint64_t summary;    /* address of a byte */
    uint64_t indicators; /* address of bits, the first one the highest of its byte */
    uint64_t first_bit;
    uint8_t isc;
} __attribute__((packed));

_Static_assert(sizeof(struct ccw_revision) == 4, "the device's layout");
_Static_assert(sizeof(struct ccw_features) == 5, "the device's layout");
_Static_assert(sizeof(struct ccw_queue) == 32, "the device's layout");
_Static_assert(sizeof(struct ccw_adapter_indicators) == 25, "the device's layout");

enum ccw_interrupt_mode {
    CCW_INTERRUPT_NONE,
    CCW_INTERRUPT_ADAPTER,
    CCW_INTERRUPT_CLASSIC,
};

struct ccw_transport {
    struct virtio_device dev;
    struct ccw_device *ccw;
    unsigned revision;
    uint8_t status; /* what was set last: revision 1 cannot read it */
    int64_t cookies[VIRTIO_QUEUES_MAX];
    enum ccw_interrupt_mode mode;
    /* Written by the host. */
    uint64_t queue_bits;
    uint64_t config_bits;
    uint8_t summary;
};

static inline struct ccw_transport *to_ccw(struct virtio_device *dev)
{
    return container_of(dev, struct ccw_transport, dev);
}

extern const struct virtio_transport_ops ccw_transport_ops;

/* A command whose data goes to the device, or comes back as well. As ccw_command(). */
int ccw_write(struct ccw_transport *transport, uint8_t command, void *data, unsigned length);
int ccw_read(struct ccw_transport *transport, uint8_t command, void *data, unsigned length);

/* Choose the revision, once after the subchannel was enabled. 0, or an error of ccw_command().
 */
int ccw_agree_on_revision(struct ccw_transport *transport);

/* Interrupt part of the transport operations (ccw_interrupts.c). */
int ccw_setup_interrupts(struct virtio_device *dev, const unsigned *indices,
                         unsigned nr_queues);
void ccw_release_interrupts(struct virtio_device *dev);

#endif
