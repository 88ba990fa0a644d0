/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers of PCI configuration space that drivers/pci uses.
 */
#ifndef PCI_REGISTERS_H
#define PCI_REGISTERS_H

#define PCI_VENDOR_ID   0x00
#define PCI_DEVICE_ID   0x02
#define PCI_COMMAND     0x04
#define PCI_STATUS      0x06
#define PCI_REVISION    0x08
#define PCI_CLASS       0x08 /* 32 bits: class code in the upper three bytes */
#define PCI_HEADER_TYPE 0x0e
#define PCI_BAR0        0x10
#define PCI_SECONDARY   0x19 /* bridges: the bus behind */
#define PCI_SUBSYSTEM   0x2c /* vendor, then device at +2 */
#define PCI_CAPABILITY  0x34

#define PCI_COMMAND_IO         0x001u
#define PCI_COMMAND_MEMORY     0x002u
#define PCI_COMMAND_BUS_MASTER 0x004u
#define PCI_COMMAND_INTX_OFF   0x400u
#define PCI_STATUS_CAPABILITY  0x10u

#define PCI_HEADER_MULTI  0x80u
#define PCI_HEADER_MASK   0x7fu
#define PCI_HEADER_DEVICE 0u
#define PCI_HEADER_BRIDGE 1u

#define PCI_BAR_IO     0x1u
#define PCI_BAR_TYPE   0x6u
#define PCI_BAR_64     0x4u
#define PCI_BAR_ATTRS  0xfu
#define PCI_CAP_START  0x40u /* capabilities lie behind the header */
#define PCI_CONFIG_END 0x100u

#define PCI_CAP_MSIX        0x11
#define PCI_MSIX_CONTROL    2 /* offsets inside the capability */
#define PCI_MSIX_TABLE      4
#define PCI_MSIX_ENABLE     0x8000u
#define PCI_MSIX_MASK_ALL   0x4000u
#define PCI_MSIX_SIZE_MASK  0x07ffu
#define PCI_MSIX_BIR_MASK   0x7u
#define PCI_MSIX_ENTRY_SIZE 16u

struct pci_function;

/* Find size and place of every BAR. Decoding is off meanwhile. */
void pci_read_bars(struct pci_function *fn);

#endif
