/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI configuration space through the two ports that every PC has. */
#include "ioapic.h"
#include "x86.h"
#include <arch/pci.h>
#include <neap/lock.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  (1u << 31)

#define PCI_INTERRUPT_LINE 0x3c
#define PCI_INTERRUPT_PIN  0x3d
#define LINE_NONE          0xff

/* Address and data port are one access; nothing is called under this lock. */
static struct spinlock config_lock = SPINLOCK_INIT("pci config", LOCK_RANK_CONSOLE);

static uint16_t select_register(pci_bdf_t bdf, unsigned offset)
{
    port_write32(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)bdf << 8 | (offset & 0xfc));
    return (uint16_t)(CONFIG_DATA + (offset & 3));
}

uint32_t arch_pci_config_read(pci_bdf_t bdf, unsigned offset, unsigned width)
{
    irqflags_t flags = spin_lock(&config_lock);
    uint16_t port = select_register(bdf, offset);
    uint32_t value;

    if (width == 1)
        value = port_read8(port);
    else if (width == 2)
        value = port_read16(port);
    else
        value = port_read32(port);
    spin_unlock(&config_lock, flags);
    return value;
}

void arch_pci_config_write(pci_bdf_t bdf, unsigned offset, unsigned width, uint32_t value)
{
    irqflags_t flags = spin_lock(&config_lock);
    uint16_t port = select_register(bdf, offset);

    if (width == 1)
        port_write8(port, (uint8_t)value);
    else if (width == 2)
        port_write16(port, (uint16_t)value);
    else
        port_write32(port, value);
    spin_unlock(&config_lock, flags);
}

/* Firmware routes INTx pins to ISA interrupts and leaves the number in the line register. */
int arch_pci_intx_line(pci_bdf_t bdf)
{
    uint32_t line = arch_pci_config_read(bdf, PCI_INTERRUPT_LINE, 1);

    if (arch_pci_config_read(bdf, PCI_INTERRUPT_PIN, 1) == 0 || line == 0 || line == LINE_NONE)
        return -1;
    return (int)ioapic_isa_to_gsi(line);
}
