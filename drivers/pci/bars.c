/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Base address registers: where a function's memory lies and how long it is.
 */
#include "registers.h"
#include <neap/log.h>
#include <neap/pci.h>

/* The writable address bits of one BAR register; its value is put back. */
static uint32_t probe_register(struct pci_function *fn, unsigned offset, uint32_t *value)
{
    uint32_t mask;

    *value = pci_read(fn, offset, 4);
    pci_write(fn, offset, 4, UINT32_MAX);
    mask = pci_read(fn, offset, 4);
    pci_write(fn, offset, 4, *value);
    return mask;
}

/* A size is a power of two, and the range is aligned to it, not at 0 and not wrapping. */
static bool range_is_sane(uint64_t phys, uint64_t size)
{
    return size && !(size & (size - 1)) && phys && !(phys & (size - 1)) && phys + size > phys;
}

/* Read BAR `index`; returns how many registers it takes. */
static unsigned read_bar(struct pci_function *fn, unsigned index)
{
    unsigned offset = PCI_BAR0 + 4 * index;
    uint32_t low, high = 0, mask_low, mask_high = UINT32_MAX;
    uint64_t phys, mask;
    unsigned registers = 1;

    fn->bars[index].phys = fn->bars[index].size = 0;
    mask_low = probe_register(fn, offset, &low);
    if (!mask_low || low & PCI_BAR_IO)
        return 1;
    if ((low & PCI_BAR_TYPE) == PCI_BAR_64) {
        if (index + 1 >= PCI_BARS)
            return 1;
        mask_high = probe_register(fn, offset + 4, &high);
        registers = 2;
    }
    phys = (uint64_t)high << 32 | (low & ~PCI_BAR_ATTRS);
    mask = (uint64_t)mask_high << 32 | (mask_low & ~PCI_BAR_ATTRS);
    if (range_is_sane(phys, ~mask + 1)) {
        fn->bars[index].phys = phys;
        fn->bars[index].size = ~mask + 1;
    }
    return registers;
}

void pci_read_bars(struct pci_function *fn)
{
    uint32_t command = pci_read(fn, PCI_COMMAND, 2);
    uint32_t quiet = command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY);

    if ((pci_read(fn, PCI_HEADER_TYPE, 1) & PCI_HEADER_MASK) != PCI_HEADER_DEVICE)
        return;
    /* While a BAR holds ones it would answer at the top of memory, over other devices. */
    pci_write(fn, PCI_COMMAND, 2, quiet);
    for (unsigned i = 0; i < PCI_BARS;)
        i += read_bar(fn, i);
    pci_write(fn, PCI_COMMAND, 2, command);
}

static void change_command(struct pci_function *fn, uint32_t clear, uint32_t set)
{
    pci_write(fn, PCI_COMMAND, 2, (pci_read(fn, PCI_COMMAND, 2) & ~clear) | set);
}

void pci_enable_memory(struct pci_function *fn)
{
    change_command(fn, PCI_COMMAND_INTX_OFF, PCI_COMMAND_MEMORY);
}

void pci_enable_bus_master(struct pci_function *fn)
{
    change_command(fn, 0, PCI_COMMAND_BUS_MASTER);
}

void pci_disable(struct pci_function *fn)
{
    change_command(fn, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER, PCI_COMMAND_INTX_OFF);
}
