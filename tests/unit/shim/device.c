/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: interrupts, register accesses and PCI configuration for device models. */
#include "shim.h"
#include "unit.h"
#include <arch/irq.h>
#include <arch/layout.h>
#include <arch/mmio.h>
#include <errno.h>
#include <neap/entropy.h>
#include <neap/panic.h>
#include <neap/pgtable.h>

#define VECTORS     64
#define VECTOR_BASE 64
#define LINE_HOOKS  16
#define MMIO_RANGES 32

struct hook {
    irq_handler_t handler;
    void *arg;
    unsigned line;
    bool pending;
};

bool shim_irqs_on = true;

static struct hook vectors[VECTORS], line_hooks[LINE_HOOKS];
static unsigned interrupt_depth, vectors_to_fail;
static bool any_pending;
static const struct shim_pci *pci_ops;
static struct {
    uint64_t phys, size;
    const struct shim_mmio *ops;
    void *model;
} mmio_ranges[MMIO_RANGES];
static unsigned nr_mmio;

bool shim_in_interrupt(void)
{
    return interrupt_depth > 0;
}

void shim_irq_enter(irqflags_t *flags)
{
    *flags = arch_irq_save();
    interrupt_depth++;
    cpu_self()->interrupts++;
}

void shim_irq_exit(irqflags_t flags)
{
    interrupt_depth--;
    arch_irq_restore(flags);
}

static void run_hook(struct hook *hook)
{
    irqflags_t flags;

    hook->pending = false;
    if (!hook->handler)
        return;
    shim_irq_enter(&flags);
    hook->handler(hook->arg);
    shim_irq_exit(flags);
}

void shim_irqs_deliver(void)
{
    if (!any_pending || interrupt_depth)
        return;
    any_pending = false;
    for (unsigned i = 0; i < VECTORS; i++) {
        if (vectors[i].pending)
            run_hook(&vectors[i]);
    }
    for (unsigned i = 0; i < LINE_HOOKS; i++) {
        if (line_hooks[i].pending)
            run_hook(&line_hooks[i]);
    }
}

static void raise_hook(struct hook *hook)
{
    hook->pending = true;
    any_pending = true;
    if (arch_irqs_enabled())
        shim_irqs_deliver();
}

void shim_irq_raise(int vector)
{
    if (vector < VECTOR_BASE || vector >= VECTOR_BASE + VECTORS)
        unit_fail(__FILE__, __LINE__, "interrupt vector %d does not exist", vector);
    raise_hook(&vectors[vector - VECTOR_BASE]);
}

void shim_irq_raise_line(unsigned line)
{
    for (unsigned i = 0; i < LINE_HOOKS; i++) {
        if (line_hooks[i].handler && line_hooks[i].line == line)
            raise_hook(&line_hooks[i]);
    }
}

void shim_irq_fail(unsigned n)
{
    vectors_to_fail = n;
}

int arch_irq_alloc(irq_handler_t handler, void *arg, const char *name)
{
    (void)name;
    if (vectors_to_fail) {
        vectors_to_fail--;
        return -ENOSPC;
    }
    for (int i = 0; i < VECTORS; i++) {
        if (!vectors[i].handler) {
            vectors[i] = (struct hook){.handler = handler, .arg = arg};
            return VECTOR_BASE + i;
        }
    }
    return -ENOSPC;
}

void arch_irq_free(int vector)
{
    ASSERT(vector >= VECTOR_BASE && vectors[vector - VECTOR_BASE].handler);
    vectors[vector - VECTOR_BASE] = (struct hook){0};
}

int arch_irq_line_attach(unsigned line, irq_handler_t handler, void *arg, const char *name)
{
    (void)name;
    for (unsigned i = 0; i < LINE_HOOKS; i++) {
        if (!line_hooks[i].handler) {
            line_hooks[i] = (struct hook){.handler = handler, .arg = arg, .line = line};
            return 0;
        }
    }
    return -ENOMEM;
}

void arch_irq_line_detach(unsigned line, irq_handler_t handler, void *arg)
{
    for (unsigned i = 0; i < LINE_HOOKS; i++) {
        if (line_hooks[i].line == line && line_hooks[i].handler == handler &&
            line_hooks[i].arg == arg)
            line_hooks[i] = (struct hook){0};
    }
}

void arch_msi_compose(int vector, struct cpu *target, struct msi_message *out)
{
    (void)target;
    out->address = SHIM_MSI_ADDRESS;
    out->data = (uint32_t)vector;
}

uint64_t arch_memory_limit(void)
{
    return SHIM_MEMORY_LIMIT;
}

int arch_memory_node(uint64_t phys)
{
    return phys >= SHIM_NODE_START ? SHIM_NODE : -1;
}

uint64_t (*shim_random)(void);

uint64_t arch_random(void)
{
    return shim_random ? shim_random() : 0;
}

uint64_t entropy(void)
{
    return unit_random();
}

/* --- PCI --- */

void shim_pci_set(const struct shim_pci *ops)
{
    pci_ops = ops;
}

uint32_t arch_pci_config_read(pci_bdf_t bdf, unsigned offset, unsigned width)
{
    return pci_ops ? pci_ops->read(bdf, offset, width) : UINT32_MAX >> (32 - 8 * width);
}

void arch_pci_config_write(pci_bdf_t bdf, unsigned offset, unsigned width, uint32_t value)
{
    if (pci_ops)
        pci_ops->write(bdf, offset, width, value);
}

int arch_pci_intx_line(pci_bdf_t bdf)
{
    return 16 + bdf % 8;
}

/* --- registers --- */

void shim_mmio_register(uint64_t phys, uint64_t size, const struct shim_mmio *ops, void *model)
{
    if (nr_mmio == MMIO_RANGES)
        unit_fail(__FILE__, __LINE__, "too many device models");
    mmio_ranges[nr_mmio].phys = phys;
    mmio_ranges[nr_mmio].size = size;
    mmio_ranges[nr_mmio].ops = ops;
    mmio_ranges[nr_mmio].model = model;
    nr_mmio++;
}

void shim_mmio_clear(void)
{
    nr_mmio = 0;
}

/* The model behind a kernel address, which must be mapped uncached. */
static unsigned find_mmio(const volatile void *address, unsigned width, uint64_t *offset)
{
    uintptr_t va = (uintptr_t)address;
    unsigned prot;
    uint64_t phys;

    if (va % width)
        unit_fail(__FILE__, __LINE__, "unaligned register access at 0x%lx", (long)va);
    if (!pgtable_lookup(&kernel_pgtable, va, &phys, NULL, &prot) || !(prot & PROT_DEVICE))
        unit_fail(__FILE__, __LINE__, "register access at 0x%lx is not mapped", (long)va);
    for (unsigned i = 0; i < nr_mmio; i++) {
        if (phys >= mmio_ranges[i].phys && phys - mmio_ranges[i].phys < mmio_ranges[i].size) {
            *offset = phys - mmio_ranges[i].phys;
            return i;
        }
    }
    unit_fail(__FILE__, __LINE__, "no device at physical 0x%llx", (unsigned long long)phys);
}

uint64_t shim_mmio_read(const volatile void *address, unsigned width)
{
    uint64_t offset;
    unsigned i = find_mmio(address, width, &offset);

    return mmio_ranges[i].ops->read(mmio_ranges[i].model, offset, width);
}

void shim_mmio_write(volatile void *address, unsigned width, uint64_t value)
{
    uint64_t offset;
    unsigned i = find_mmio(address, width, &offset);

    mmio_ranges[i].ops->write(mmio_ranges[i].model, offset, width, value);
}
