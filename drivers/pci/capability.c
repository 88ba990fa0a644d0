/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The capability list of a function. Every pointer in it is input.
 */
#include "registers.h"
#include <neap/pci.h>

/* Capabilities are four-byte aligned, so 48 of them fill the space behind the header. */
#define PCI_CAPABILITIES_MAX ((PCI_CONFIG_END - PCI_CAP_START) / 4)

/*
 * The list is walked from its start every time, never on from `from`: so each capability is
 * visited once in an order that does not depend on the caller, and a caller that goes from
 * capability to capability ends even when the list loops.
 */
unsigned pci_find_capability(const struct pci_function *fn, uint8_t id, unsigned from)
{
    bool seen[PCI_CONFIG_END / 4] = {false};
    bool past_from = from == 0;
    unsigned offset;

    if (!(pci_read(fn, PCI_STATUS, 2) & PCI_STATUS_CAPABILITY))
        return 0;
    offset = pci_read(fn, PCI_CAPABILITY, 1) & ~3u;
    for (unsigned i = 0; i < PCI_CAPABILITIES_MAX; i++) {
        if (offset < PCI_CAP_START || offset >= PCI_CONFIG_END || seen[offset / 4])
            return 0;
        seen[offset / 4] = true;
        if (past_from && pci_read(fn, offset, 1) == id)
            return offset;
        past_from = past_from || offset == from;
        offset = pci_read(fn, offset + 1, 1) & ~3u;
    }
    return 0;
}
