/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI-X: one message per event, in a table inside one of the function's BARs.
 */
#include "registers.h"
#include <arch/mmio.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <neap/pci.h>
#include <neap/vmap.h>

/* Offsets inside a table entry. */
#define ENTRY_ADDRESS_LOW  0
#define ENTRY_ADDRESS_HIGH 4
#define ENTRY_DATA         8
#define ENTRY_CONTROL      12
#define ENTRY_MASKED       1u

static volatile uint8_t *msix_entry(struct pci_function *fn, unsigned index)
{
    return fn->msix_table + index * PCI_MSIX_ENTRY_SIZE;
}

/* Map the table if it lies inside a memory BAR. */
static int msix_map_table(struct pci_function *fn, unsigned capability, unsigned entries)
{
    uint32_t where = pci_read(fn, capability + PCI_MSIX_TABLE, 4);
    unsigned bar = where & PCI_MSIX_BIR_MASK;
    uint64_t offset = where & ~PCI_MSIX_BIR_MASK;
    uint64_t size = (uint64_t)entries * PCI_MSIX_ENTRY_SIZE;

    if (bar >= PCI_BARS || !fn->bars[bar].phys || offset + size > fn->bars[bar].size) {
        log_warning("pci",
                    "%02x:%02x.%x: MSI-X table of %u entries at %#llx is not inside BAR %u",
                    fn->bdf >> 8, fn->bdf >> 3 & 31, fn->bdf & 7, entries,
                    (unsigned long long)offset, bar);
        return -ENOTSUP;
    }
    fn->msix_table = mmio_map(fn->bars[bar].phys + offset, size);
    return fn->msix_table ? 0 : -ENOMEM;
}

int pci_msix_enable(struct pci_function *fn)
{
    unsigned capability = pci_find_capability(fn, PCI_CAP_MSIX, 0);
    unsigned control, entries;
    int error;

    /* A capability at the very end would have its table register outside the space. */
    if (!capability || capability + PCI_MSIX_TABLE + 4 > PCI_CONFIG_END)
        return -ENOTSUP;
    control = pci_read(fn, capability + PCI_MSIX_CONTROL, 2);
    entries = (control & PCI_MSIX_SIZE_MASK) + 1;
    error = msix_map_table(fn, capability, entries);
    if (error)
        return error;
    /* Masked as a whole first: the entries hold whatever was there before. */
    control |= PCI_MSIX_ENABLE | PCI_MSIX_MASK_ALL;
    pci_write(fn, capability + PCI_MSIX_CONTROL, 2, control);
    for (unsigned i = 0; i < entries; i++)
        mmio_write32(msix_entry(fn, i) + ENTRY_CONTROL, ENTRY_MASKED);
    pci_write(fn, capability + PCI_MSIX_CONTROL, 2, control & ~PCI_MSIX_MASK_ALL);
    fn->msix_vectors = entries;
    return (int)entries;
}

void pci_msix_disable(struct pci_function *fn)
{
    unsigned capability = pci_find_capability(fn, PCI_CAP_MSIX, 0);
    unsigned control;

    if (!capability || !fn->msix_vectors)
        return;
    control = pci_read(fn, capability + PCI_MSIX_CONTROL, 2);
    pci_write(fn, capability + PCI_MSIX_CONTROL, 2, control & ~PCI_MSIX_ENABLE);
    fn->msix_vectors = 0;
}

int pci_msix_set(struct pci_function *fn, unsigned index, int vector, struct cpu *target)
{
    volatile uint8_t *entry;
    struct msi_message message;

    if (index >= fn->msix_vectors)
        return -EINVAL;
    entry = msix_entry(fn, index);
    arch_msi_compose(vector, target, &message);
    mmio_write32(entry + ENTRY_CONTROL, ENTRY_MASKED);
    mmio_write32(entry + ENTRY_ADDRESS_LOW, (uint32_t)message.address);
    mmio_write32(entry + ENTRY_ADDRESS_HIGH, (uint32_t)(message.address >> 32));
    mmio_write32(entry + ENTRY_DATA, message.data);
    mmio_write32(entry + ENTRY_CONTROL, 0);
    return 0;
}
