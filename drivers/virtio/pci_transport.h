/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the PCI transport share (virtio 1.4, 4.1).
 */
#ifndef VIRTIO_PCI_TRANSPORT_H
#define VIRTIO_PCI_TRANSPORT_H

#include <neap/pci.h>
#include <neap/virtio.h>

/* Common configuration registers. */
#define COMMON_DEVICE_FEATURE_SELECT 0x00
#define COMMON_DEVICE_FEATURE        0x04
#define COMMON_DRIVER_FEATURE_SELECT 0x08
#define COMMON_DRIVER_FEATURE        0x0c
#define COMMON_CONFIG_VECTOR         0x10
#define COMMON_STATUS                0x14
#define COMMON_GENERATION            0x15
#define COMMON_QUEUE_SELECT          0x16
#define COMMON_QUEUE_SIZE            0x18
#define COMMON_QUEUE_VECTOR          0x1a
#define COMMON_QUEUE_ENABLE          0x1c
#define COMMON_QUEUE_NOTIFY_OFFSET   0x1e
#define COMMON_QUEUE_DESCRIPTOR      0x20
#define COMMON_QUEUE_DRIVER          0x28
#define COMMON_QUEUE_DEVICE          0x30
#define COMMON_BYTES                 0x38 /* up to here every device has it */

#define NO_VECTOR 0xffffu

/* Where one structure lies, checked against its BAR. */
struct pci_structure {
    uint64_t phys; /* 0: absent */
    uint64_t length;
};

enum interrupt_mode {
    INTERRUPT_NONE,
    INTERRUPT_PER_QUEUE, /* MSI-X: configuration, and one for each queue */
    INTERRUPT_SHARED,    /* MSI-X: configuration, and one for all queues */
    INTERRUPT_SINGLE,    /* MSI-X: one for everything */
    INTERRUPT_LINE,      /* INTx */
};

struct pci_transport;

/* One MSI-X table entry in use. */
struct pci_vector {
    struct pci_transport *transport;
    int vector;     /* of arch_irq_alloc() */
    unsigned queue; /* the one it stands for, or ALL_QUEUES */
    bool config;    /* stands for configuration changes */
    char name[32];
};

#define ALL_QUEUES  UINT32_MAX
#define NO_QUEUE    (UINT32_MAX - 1)
#define VECTORS_MAX (VIRTIO_QUEUES_MAX + 1)

struct pci_transport {
    struct virtio_device dev;
    struct pci_function *fn;
    volatile uint8_t *common;
    volatile uint8_t *isr;
    volatile uint8_t *config;
    struct pci_structure config_where, notify_where;
    uint32_t notify_multiplier;
    volatile void *notify[VIRTIO_QUEUES_MAX];
    enum interrupt_mode mode;
    int line;
    struct pci_vector vectors[VECTORS_MAX];
    unsigned nr_vectors;
};

static inline struct pci_transport *to_pci(struct virtio_device *dev)
{
    return container_of(dev, struct pci_transport, dev);
}

extern const struct virtio_transport_ops pci_transport_ops;

/*
 * Make the transport of a virtio function, ready for virtio_device_add(). Returns 0 or the
 * error of pci_find_structures(). Boot thread.
 */
int pci_transport_init(struct pci_transport *transport, struct pci_function *fn);

/*
 * Find and map the structures. Returns 0; -ENODEV when there are no virtio capabilities (a
 * legacy device, PCI-039); -EINVAL when one is missing or outside its BAR; -ENOMEM.
 */
int pci_find_structures(struct pci_transport *transport);

/* Interrupt part of the transport operations (pci_interrupts.c). */
int pci_setup_interrupts(struct virtio_device *dev, const unsigned *indices,
                         unsigned nr_queues);
void pci_release_interrupts(struct pci_transport *transport);

/* Select a queue for the queue registers. */
void pci_select_queue(struct pci_transport *transport, unsigned index);

/* The two halves of queue_enable(): tell the device all about a queue, and make it live. */
int pci_queue_prepare(struct pci_transport *transport, unsigned index, unsigned size,
                      const struct virtqueue_areas *areas);
void pci_queue_start(struct pci_transport *transport, unsigned index);

#endif
