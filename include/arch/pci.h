/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI configuration space. Only architectures with PCI implement it; drivers/pci is built
 * only for those.
 */
#ifndef ARCH_PCI_H
#define ARCH_PCI_H

#include <stdint.h>

/* Bus, device, function as in configuration addresses: bus << 8 | device << 3 | function. */
typedef uint16_t pci_bdf_t;

/*
 * Read or write `width` (1, 2 or 4) bytes at `offset` (< 256, aligned to width). Reads of
 * absent functions give all ones. Any context.
 */
uint32_t arch_pci_config_read(pci_bdf_t bdf, unsigned offset, unsigned width);
void arch_pci_config_write(pci_bdf_t bdf, unsigned offset, unsigned width, uint32_t value);

/* The platform interrupt line (arch_irq_line_attach()) of a function's INTx pin, -1: none. */
int arch_pci_intx_line(pci_bdf_t bdf);

#endif
