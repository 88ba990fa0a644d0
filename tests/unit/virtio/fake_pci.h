/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI functions for tests: configuration space as bytes, BARs that answer to sizing, and the
 * registers of a virtio device behind them.
 */
#ifndef FAKE_PCI_H
#define FAKE_PCI_H

#include "fake.h"
#include <neap/pci.h>

struct fake_function {
    pci_bdf_t bdf;
    uint8_t config[256];
    uint32_t bar_mask[PCI_BARS]; /* writable bits */
    bool watched;                /* no capability of a vendor may be written to */
    bool decoded_while_sizing;   /* a BAR held all ones with decoding on */
};

/* A new function; a device with a header of type 0. */
struct fake_function *fake_function(pci_bdf_t bdf, uint16_t vendor, uint16_t device);
void fake_put16(struct fake_function *fn, unsigned offset, uint16_t value);
void fake_put32(struct fake_function *fn, unsigned offset, uint32_t value);
uint16_t fake_get16(const struct fake_function *fn, unsigned offset);

/* A memory BAR; `wide`: 64 bits, takes the next register too. */
void fake_bar(struct fake_function *fn, unsigned bar, uint64_t phys, uint64_t size, bool wide);

/* Append a capability of `bytes` bytes at `offset` behind the one at `previous` (0: first). */
uint8_t *fake_capability(struct fake_function *fn, unsigned previous, unsigned offset,
                         uint8_t id);

/* Make the functions known to pci_init(). */
void fake_pci_install(void);
/* How many functions pci_for_each() shows; the n-th of them. */
unsigned pci_count(void);
struct pci_function *pci_nth(unsigned n);

/* ---- a virtio device ---- */

#define PCI_QUEUES      3
#define PCI_BAR_PHYS    UINT64_C(0xfe000000)
#define PCI_BAR_SIZE    0x4000u
#define PCI_TABLE_PHYS  UINT64_C(0xfd000000)
#define PCI_TABLE_SIZE  0x8000u
#define PCI_CAP_FIRST   0x40 /* common, notify, isr, device at 20 bytes distance */
#define PCI_CAP_STEP    0x14
#define PCI_CAP_MSIX_AT 0xa0

struct pci_model {
    struct fake_function *fn;
    struct virtio_features offered, accepted;
    uint32_t select, driver_select;
    uint8_t status, isr;
    uint16_t config_vector, queue_select;
    struct {
        uint16_t size, max_size, vector, enabled, notify_offset;
        uint64_t areas[3];
    } queues[PCI_QUEUES];
    uint8_t config[16];
    uint32_t table[PCI_TABLE_SIZE / 4]; /* of MSI-X */
    unsigned vectors;                   /* that it can serve; more read back as none */
    bool status_sticks;                 /* reset never ends */
    unsigned reset_reads;               /* so often is the status looked at before it ends */
    unsigned resetting;                 /* looks that are left */
    bool refuses_size;
    unsigned notify_count;
    uint64_t notify_at;
    unsigned notify_width;
    uint32_t notify_value;
    /* A device that works, and whose queues can be stopped; NULL: neither. */
    const struct pci_model_ops *ops;
};
extern struct pci_model model;

struct pci_model_ops {
    void (*reset)(void);
    void (*start)(unsigned queue);
    void (*stop)(unsigned queue);
    bool (*stopped)(unsigned queue); /* asked at each read of queue_enable after stop() */
    void (*notify)(unsigned queue);
};

/* A modern device 61 at 00:05.0 with all capabilities, 16 vectors and all queues. Not scanned.
 */
void model_create(void);
/* The same with a PCI device id, and its structures in another BAR than 4. */
void model_create_as(uint16_t device, unsigned bar);
/* Scan; the device comes up or not. */
struct virtio_device *model_scan(void);

/* Raise what MSI-X entry `index` says, if it is unmasked. Returns whether it was. */
bool model_raise(unsigned index);

#endif
