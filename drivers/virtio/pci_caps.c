/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a virtio PCI device keeps its registers: vendor capabilities that point into BARs. All
 * of it is input; what does not lie inside a BAR is as good as absent.
 */
#include "pci_transport.h"
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/vmap.h>

#define PCI_CAP_VENDOR 0x09
#define CONFIG_END     0x100u

/* Offsets inside a virtio capability. */
#define CAP_LENGTH     2
#define CAP_TYPE       3
#define CAP_BAR        4
#define CAP_OFFSET     8
#define CAP_BYTES      12
#define CAP_MULTIPLIER 16

enum cap_type {
    CAP_COMMON = 1,
    CAP_NOTIFY = 2,
    CAP_ISR = 3,
    CAP_DEVICE = 4,
};

/* Device registers that are mapped at most: no device type has a longer configuration. */
#define CONFIG_MAP_MAX UINT64_C(4096)

/* What a structure must have to be of use. */
static const struct {
    const char *name;
    uint64_t min_bytes;
    unsigned alignment;
    unsigned cap_bytes;
} rules[] = {
    [CAP_COMMON] = {"common", COMMON_BYTES, 4, 16},
    [CAP_NOTIFY] = {"notify", 2, 2, 20},
    [CAP_ISR] = {"ISR", 1, 1, 16},
    [CAP_DEVICE] = {"device", 1, 4, 16},
};

/*
 * Read the structure that capability `cap` of type `type` points at. False when it is of no
 * use. Longer than expected is fine (PCI-011, PCI-014).
 */
static bool read_structure(const struct pci_function *fn, unsigned cap, unsigned type,
                           struct pci_structure *out)
{
    unsigned bar = pci_read(fn, cap + CAP_BAR, 1);
    uint64_t offset = pci_read(fn, cap + CAP_OFFSET, 4);
    uint64_t length = pci_read(fn, cap + CAP_BYTES, 4);

    if (bar >= PCI_BARS) /* PCI-012 */
        return false;
    if (offset + length <= fn->bars[bar].size && length >= rules[type].min_bytes &&
        !(offset % rules[type].alignment)) {
        out->phys = fn->bars[bar].phys + offset;
        out->length = length;
        return true;
    }
    /* Devices may describe a structure in an I/O BAR as well, so this alone is no error. */
    log_debug("virtio", "pci %02x:%02x.%x: %s registers at %#llx + %#llx are not in BAR %u",
              fn->bdf >> 8, fn->bdf >> 3 & 31, fn->bdf & 7, rules[type].name,
              (unsigned long long)offset, (unsigned long long)length, bar);
    return false;
}

/* Fill `found` with the first usable instance of each type (PCI-010). Returns how many caps. */
static unsigned walk_capabilities(struct pci_transport *transport, struct pci_structure *found)
{
    const struct pci_function *fn = transport->fn;
    unsigned nr_caps = 0;

    for (unsigned cap = pci_find_capability(fn, PCI_CAP_VENDOR, 0); cap;
         cap = pci_find_capability(fn, PCI_CAP_VENDOR, cap)) {
        unsigned type = pci_read(fn, cap + CAP_TYPE, 1);

        nr_caps++;
        if (type < CAP_COMMON || type > CAP_DEVICE || found[type].phys) /* PCI-009 */
            continue;
        if (pci_read(fn, cap + CAP_LENGTH, 1) < rules[type].cap_bytes ||
            cap + rules[type].cap_bytes > CONFIG_END)
            continue;
        if (read_structure(fn, cap, type, &found[type]) && type == CAP_NOTIFY)
            transport->notify_multiplier = pci_read(fn, cap + CAP_MULTIPLIER, 4);
    }
    return nr_caps;
}

int pci_find_structures(struct pci_transport *transport)
{
    struct pci_structure found[CAP_DEVICE + 1] = {{0, 0}};

    if (!walk_capabilities(transport, found)) {
        log_error("virtio",
                  "%s: no virtio capabilities: legacy devices are not supported; "
                  "start it with disable-legacy=on,disable-modern=off",
                  transport->dev.name);
        return -ENODEV;
    }
    for (unsigned type = CAP_COMMON; type <= CAP_ISR; type++) {
        if (found[type].phys)
            continue;
        log_error("virtio", "%s: no %s registers inside a memory BAR", transport->dev.name,
                  rules[type].name);
        return -EINVAL;
    }
    transport->notify_where = found[CAP_NOTIFY];
    transport->config_where = found[CAP_DEVICE];
    transport->config_where.length = MIN(found[CAP_DEVICE].length, CONFIG_MAP_MAX);
    transport->common = mmio_map(found[CAP_COMMON].phys, COMMON_BYTES); /* PCI-013 */
    transport->isr = mmio_map(found[CAP_ISR].phys, 1);
    if (found[CAP_DEVICE].phys)
        transport->config = mmio_map(found[CAP_DEVICE].phys, transport->config_where.length);
    if (!transport->common || !transport->isr || (found[CAP_DEVICE].phys && !transport->config))
        return -ENOMEM;
    return 0;
}
