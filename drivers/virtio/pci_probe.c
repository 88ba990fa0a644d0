/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which PCI functions are virtio devices, and what they are called.
 */
#include "pci_transport.h"
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/kmalloc.h>
#include <neap/log.h>

#define VENDOR_VIRTIO     0x1af4
#define MODERN_FIRST      0x1040 /* plus the virtio device id (PCI-001) */
#define MODERN_LAST       0x107f
#define TRANSITIONAL_LAST 0x103f

/* Device types by their transitional PCI ids (PCI-002), and how we call devices. */
static const struct {
    uint16_t pci_id; /* 0: none */
    uint16_t device_id;
    const char *name;
} types[] = {
    {0x1000, VIRTIO_ID_NET, "net"},
    {0x1001, 2, "block"},
    {0x1002, VIRTIO_ID_BALLOON, "balloon"},
    {0x1003, 3, "console"},
    {0x1004, 8, "scsi"},
    {0x1005, 4, "entropy"},
    {0x1009, 9, "9p"},
    {0, VIRTIO_ID_MEM, "mem"},
};

/* 0: not a virtio device. Revision and subsystem may be anything (PCI-003, PCI-004). */
static unsigned device_id_of(const struct pci_function *fn)
{
    if (fn->vendor != VENDOR_VIRTIO)
        return 0;
    if (fn->device >= MODERN_FIRST && fn->device <= MODERN_LAST)
        return fn->device - MODERN_FIRST;
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
        if (fn->device && fn->device == types[i].pci_id)
            return types[i].device_id;
    return 0;
}

static void name_device(struct virtio_device *dev, pci_bdf_t bdf)
{
    static unsigned numbers[ARRAY_SIZE(types) + 1];
    unsigned i = 0;

    while (i < ARRAY_SIZE(types) && types[i].device_id != dev->device_id)
        i++;
    format_string(dev->name, sizeof(dev->name), "%s%u pci %02x:%02x.%x",
                  i < ARRAY_SIZE(types) ? types[i].name : "virtio", numbers[i]++, bdf >> 8,
                  bdf >> 3 & 31, bdf & 7);
}

static bool virtio_pci_match(const struct pci_function *fn)
{
    return device_id_of(fn) != 0;
}

static int virtio_pci_probe(struct pci_function *fn)
{
    struct pci_transport *transport = kcalloc(1, sizeof(*transport), 0);
    int error;

    if (!transport)
        return -ENOMEM;
    transport->fn = fn;
    transport->dev.ops = &pci_transport_ops;
    transport->dev.device_id = device_id_of(fn);
    name_device(&transport->dev, fn->bdf);
    error = pci_find_structures(transport);
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
