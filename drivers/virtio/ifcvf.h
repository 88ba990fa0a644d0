/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel's IFC VF: a virtio PCI device with one thing more, a BAR for live migration. There it
 * says where it is in each queue, can be told where to go on, and writes down which pages it
 * writes to. Known from two public drivers (Linux, DPDK); where they differ it is said so.
 */
#ifndef VIRTIO_IFCVF_H
#define VIRTIO_IFCVF_H

#include "pci_transport.h"

#define IFCVF_LM_BAR 4

/* Registers in that BAR. */
#define LM_CONTROL     0x00 /* of the dirty log */
#define LM_LOG_START   0x10 /* 64 bits in two halves: where the log lies in memory ... */
#define LM_LOG_END     0x18 /* ... and where it ends */
#define LM_QUEUE_STATE 0x20

#define LM_CONTROL_OFF 0u
#define LM_CONTROL_VF  1u

/*
 * A queue's state: the available index up to which the device has read; in the upper half, with
 * one driver, the index up to which it has used. Queues 0 and 1 have their words one behind
 * the other. Where the next pair has its words the drivers do not agree: 8 bytes on, or 64.
 */
#define LM_STATE_BYTES     4
#define LM_BYTES_MIN       (LM_QUEUE_STATE + 2 * LM_STATE_BYTES)
#define LM_PAIR_STRIDE_MIN 8u
#define LM_PAIR_STRIDE_MAX 1024u

struct ifcvf {
    struct pci_transport pci;
    struct virtio_transport_ops ops; /* of the PCI transport, but for what the BAR adds */
    volatile uint8_t *lm;
    uint64_t lm_bytes;
    unsigned pair_stride; /* bytes; 0: nobody said it */
    struct page *log;     /* dirty log, or NULL: off; under the lock of the device */
};

static inline struct ifcvf *to_ifcvf(struct virtio_device *dev)
{
    return container_of(to_pci(dev), struct ifcvf, pci);
}

/* Where the state of a queue is in the BAR; 0: not known, or outside. */
unsigned ifcvf_state_offset(const struct ifcvf *vf, unsigned queue);

/* The VF that a device is, or NULL. */
struct ifcvf *ifcvf_of(struct virtio_device *dev);

/* Tell a device that was reset of its dirty log, if it has one. Under the device's lock. */
void ifcvf_log_resume(struct ifcvf *vf);

/* Pages in the dirty log; 0 while it is off. Under the device's lock. */
uint64_t ifcvf_log_pages(const struct ifcvf *vf);

/* Replace the transport operations that an IFC VF changes, with or without its BAR. */
void ifcvf_override(struct virtio_transport_ops *ops, bool has_lm);

#endif
