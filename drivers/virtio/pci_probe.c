/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which PCI functions are virtio devices, and what they are called.
 */
#include "internal.h"
#include "pci_transport.h"
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/kmalloc.h>
#include <neap/log.h>

#define VENDOR_VIRTIO     0x1af4
#define MODERN_FIRST      0x1040 /* plus the virtio device id (PCI-001) */
#define MODERN_LAST       0x107f
#define TRANSITIONAL_LAST 0x103f

/* Device types by their transitional PCI ids (PCI-002). */
static const struct {
    uint16_t pci_id;
    uint16_t device_id;
} types[] = {
    {0x1000, VIRTIO_ID_NET},
    {0x1001, 2},
    {0x1002, VIRTIO_ID_BALLOON},
    {0x1003, 3},
    {0x1004, 8},
    {0x1005, 4},
    {0x1009, 9},
};

/* 0: not a virtio device. Revision and subsystem may be anything (PCI-003, PCI-004). */
static unsigned device_id_of(const struct pci_function *fn)
{
    if (fn->vendor != VENDOR_VIRTIO)
        return 0;
    if (fn->device >= MODERN_FIRST && fn->device <= MODERN_LAST)
        return fn->device - MODERN_FIRST;
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
        if (fn->device == types[i].pci_id)
            return types[i].device_id;
    return 0;
}

static enum pci_match virtio_pci_match(const struct pci_function *fn)
{
    return device_id_of(fn) ? PCI_MATCH_DEVICE : PCI_MATCH_NONE;
}

int pci_transport_init(struct pci_transport *transport, struct pci_function *fn)
{
    char place[16];

    transport->fn = fn;
    transport->dev.ops = &pci_transport_ops;
    transport->dev.device_id = device_id_of(fn);
    format_string(place, sizeof(place), "pci %02x:%02x.%x", fn->bdf >> 8, fn->bdf >> 3 & 31,
                  fn->bdf & 7);
    virtio_device_name(&transport->dev, place);
    return pci_find_structures(transport);
}

static int virtio_pci_probe(struct pci_function *fn)
{
    struct pci_transport *transport = kcalloc(1, sizeof(*transport), 0);
    int error;

    if (!transport)
        return -ENOMEM;
    error = pci_transport_init(transport, fn);
    if (error) {
        kfree(transport);
        return error;
    }
    fn->driver_data = transport;
    /* The core logs what goes wrong from here on; the device stays listed with its fault. */
    virtio_device_add(&transport->dev);
    return 0;
}

static const struct pci_driver virtio_pci = {
    .name = "virtio",
    .match = virtio_pci_match,
    .probe = virtio_pci_probe,
};

PCI_DRIVER(virtio_pci);
