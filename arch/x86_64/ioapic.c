/* SPDX-License-Identifier: BSD-2-Clause */
/* The I/O APICs, and the 8259s that they replace. */
#include "ioapic.h"
#include "acpi.h"
#include "x86.h"
#include <arch/mmio.h>
#include <neap/errors.h>
#include <neap/lock.h>
#include <neap/log.h>
#include <neap/vmap.h>

#define REG_SELECT     0x00
#define REG_WINDOW     0x10
#define WINDOW_SIZE    0x20
#define INDEX_VERSION  1
#define INDEX_PIN(pin) (0x10 + 2 * (pin))

#define PIN_ACTIVE_LOW (1u << 13)
#define PIN_LEVEL      (1u << 15)
#define PIN_MASKED     (1u << 16)

#define PIC1_COMMAND 0x20
#define PIC1_DATA    0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA    0xa1

struct ioapic {
    volatile char *registers;
    unsigned first_gsi;
    unsigned nr_pins;
};

static struct ioapic ioapics[ACPI_IOAPICS_MAX];
static unsigned nr_ioapics;
/* The index register and its window are one access; nothing is called under this lock. */
static struct spinlock ioapic_lock = SPINLOCK_INIT("ioapic", LOCK_RANK_CONSOLE);

static uint32_t ioapic_read(const struct ioapic *ioapic, unsigned index)
{
    mmio_write32(ioapic->registers + REG_SELECT, index);
    return mmio_read32(ioapic->registers + REG_WINDOW);
}

static void ioapic_write(const struct ioapic *ioapic, unsigned index, uint32_t value)
{
    mmio_write32(ioapic->registers + REG_SELECT, index);
    mmio_write32(ioapic->registers + REG_WINDOW, value);
}

/* Move the 8259s' vectors out of the exceptions, for the spurious ones, and mask every line. */
static void silence_8259(void)
{
    port_write8(PIC1_COMMAND, 0x11); /* initialise, four words */
    port_write8(PIC2_COMMAND, 0x11);
    port_write8(PIC1_DATA, VECTOR_8259);
    port_write8(PIC2_DATA, VECTOR_8259 + 8);
    port_write8(PIC1_DATA, 1 << 2); /* the second sits on line 2 */
    port_write8(PIC2_DATA, 2);
    port_write8(PIC1_DATA, 1); /* 8086 mode */
    port_write8(PIC2_DATA, 1);
    port_write8(PIC1_DATA, 0xff);
    port_write8(PIC2_DATA, 0xff);
}

void ioapic_init(void)
{
    silence_8259();
    for (unsigned i = 0; i < acpi_info.nr_ioapics; i++) {
        struct ioapic *ioapic = &ioapics[nr_ioapics];

        ioapic->registers = mmio_map(acpi_info.ioapics[i].phys, WINDOW_SIZE);
        if (!ioapic->registers) {
            log_warning("irq", "no memory to map an I/O APIC: its lines are missing");
            continue;
        }
        ioapic->first_gsi = acpi_info.ioapics[i].first_gsi;
        ioapic->nr_pins = (ioapic_read(ioapic, INDEX_VERSION) >> 16 & 0xff) + 1;
        for (unsigned pin = 0; pin < ioapic->nr_pins; pin++)
            ioapic_write(ioapic, INDEX_PIN(pin), PIN_MASKED);
        nr_ioapics++;
    }
}

static const struct ioapic *find(unsigned gsi)
{
    for (unsigned i = 0; i < nr_ioapics; i++) {
        if (gsi >= ioapics[i].first_gsi && gsi - ioapics[i].first_gsi < ioapics[i].nr_pins)
            return &ioapics[i];
    }
    return NULL;
}

bool ioapic_has_line(unsigned gsi)
{
    return find(gsi) != NULL;
}

void ioapic_route(unsigned gsi, int vector, bool level, bool active_low)
{
    const struct ioapic *ioapic = find(gsi);
    unsigned pin = gsi - ioapic->first_gsi;
    uint32_t low = (uint32_t)vector;
    irqflags_t flags;

    if (level)
        low |= PIN_LEVEL;
    if (active_low)
        low |= PIN_ACTIVE_LOW;
    flags = spin_lock(&ioapic_lock);
    ioapic_write(ioapic, INDEX_PIN(pin) + 1, cpus[0]->arch.apic_id << 24);
    ioapic_write(ioapic, INDEX_PIN(pin), low);
    spin_unlock(&ioapic_lock, flags);
}

void ioapic_mask(unsigned gsi)
{
    const struct ioapic *ioapic = find(gsi);
    irqflags_t flags = spin_lock(&ioapic_lock);

    ioapic_write(ioapic, INDEX_PIN(gsi - ioapic->first_gsi), PIN_MASKED);
    spin_unlock(&ioapic_lock, flags);
}

unsigned ioapic_isa_to_gsi(unsigned irq)
{
    if (irq < ACPI_OVERRIDES_MAX && acpi_info.isa[irq].present)
        return acpi_info.isa[irq].gsi;
    return irq;
}

int ioapic_attach_isa(unsigned irq, irq_handler_t handler, void *arg, const char *name)
{
    unsigned gsi = ioapic_isa_to_gsi(irq);
    const struct acpi_override *override = &acpi_info.isa[irq];
    int vector;

    if (!ioapic_has_line(gsi))
        return -EINVAL;
    vector = arch_irq_alloc(handler, arg, name);
    if (vector < 0)
        return vector;
    ioapic_route(gsi, vector, override->level, override->active_low);
    return 0;
}
