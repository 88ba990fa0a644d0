/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of a virtio PCI device: MSI-X with a vector per queue if there are enough, fewer
 * shared ones if not, the interrupt line at last.
 */
#include "mmio_registers.h"
#include "pci_transport.h"
#include <arch/mmio.h>
#include <neap/cpu.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>

/* MSI-X: the ISR register is not touched (PCI-032). */
static void vector_interrupt(void *arg)
{
    struct pci_vector *vector = arg;
    struct virtio_device *dev = &vector->transport->dev;

    if (vector->config)
        virtio_config_interrupt(dev);
    if (vector->queue == ALL_QUEUES)
        registers_interrupt_queues(dev);
    else
        virtio_queue_interrupt(dev, vector->queue);
}

/* INTx: reading the ISR register lowers the line; one read may report both causes (PCI-052). */
static void line_interrupt(void *arg)
{
    struct pci_transport *transport = arg;

    registers_interrupt(&transport->dev, mmio_read8(transport->isr));
}

/* The next CPU in turn, so that interrupts spread over all of them. */
static struct cpu *next_target(void)
{
    static unsigned turn;

    return cpus[__atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED) % cpu_count()];
}

/* Bring the next table entry to life. */
static int add_vector(struct pci_transport *transport, unsigned queue, bool config)
{
    unsigned index = transport->nr_vectors;
    struct pci_vector *vector = &transport->vectors[index];
    int error;

    *vector = (struct pci_vector){.transport = transport, .queue = queue, .config = config};
    if (queue == ALL_QUEUES || queue == NO_QUEUE)
        format_string(vector->name, sizeof(vector->name), "%s%s", transport->dev.name,
                      config ? " config" : " queues");
    else
        format_string(vector->name, sizeof(vector->name), "%s q%u", transport->dev.name, queue);
    vector->vector = arch_irq_alloc(vector_interrupt, vector, vector->name);
    if (vector->vector < 0)
        return vector->vector;
    transport->nr_vectors++;
    error = pci_msix_set(transport->fn, index, vector->vector, next_target());
    return error;
}

/* Write a vector register and read it back: the device may have no resources (PCI-044). */
static int map_event(struct pci_transport *transport, unsigned reg, unsigned entry)
{
    mmio_write16(transport->common + reg, (uint16_t)entry);
    return mmio_read16(transport->common + reg) == entry ? 0 : -EBUSY;
}

/* Which table entry serves the n-th queue with a callback. */
static unsigned entry_of(enum interrupt_mode mode, unsigned n)
{
    return mode == INTERRUPT_PER_QUEUE ? n + 1 : mode == INTERRUPT_SHARED ? 1 : 0;
}

static int add_vectors(struct pci_transport *transport, enum interrupt_mode mode,
                       const unsigned *indices, unsigned nr_queues)
{
    int error = add_vector(transport, mode == INTERRUPT_SINGLE ? ALL_QUEUES : NO_QUEUE, true);

    if (!error && mode == INTERRUPT_SHARED)
        error = add_vector(transport, ALL_QUEUES, false);
    for (unsigned i = 0; i < nr_queues && !error && mode == INTERRUPT_PER_QUEUE; i++)
        error = add_vector(transport, indices[i], false);
    return error;
}

static int try_msix(struct pci_transport *transport, enum interrupt_mode mode,
                    const unsigned *indices, unsigned nr_queues)
{
    int error = pci_msix_enable(transport->fn);

    if (error < 0)
        return error;
    transport->mode = mode;
    error = add_vectors(transport, mode, indices, nr_queues);
    if (!error)
        error = map_event(transport, COMMON_CONFIG_VECTOR, 0);
    for (unsigned i = 0; i < nr_queues && !error; i++) {
        pci_select_queue(transport, indices[i]);
        error = map_event(transport, COMMON_QUEUE_VECTOR, entry_of(mode, i));
    }
    if (error)
        pci_release_interrupts(transport);
    return error;
}

static int try_line(struct pci_transport *transport)
{
    int error;

    transport->line = arch_pci_intx_line(transport->fn->bdf);
    if (transport->line < 0)
        return -ENODEV;
    error = arch_irq_line_attach((unsigned)transport->line, line_interrupt, transport,
                                 transport->dev.name);
    if (!error)
        transport->mode = INTERRUPT_LINE;
    return error;
}

static const char *const mode_names[] = {
    [INTERRUPT_PER_QUEUE] = "MSI-X, one for each queue",
    [INTERRUPT_SHARED] = "MSI-X, one for all queues",
    [INTERRUPT_SINGLE] = "MSI-X, one for everything",
    [INTERRUPT_LINE] = "interrupt line",
};

int pci_setup_interrupts(struct virtio_device *dev, const unsigned *indices, unsigned nr_queues)
{
    struct pci_transport *transport = to_pci(dev);
    int error = -ENOTSUP;

    /* PCI-045: fewer vectors each time, and no device is lost for want of them. */
    for (enum interrupt_mode mode = INTERRUPT_PER_QUEUE; mode < INTERRUPT_LINE && error; mode++)
        error = try_msix(transport, mode, indices, nr_queues);
    if (error)
        error = try_line(transport);
    if (error)
        log_error("virtio", "%s: neither MSI-X nor an interrupt line: %s", dev->name,
                  error_name(error));
    dev->interrupts = mode_names[transport->mode];
    return error;
}

void pci_release_interrupts(struct pci_transport *transport)
{
    if (transport->mode == INTERRUPT_LINE)
        arch_irq_line_detach((unsigned)transport->line, line_interrupt, transport);
    else if (transport->mode != INTERRUPT_NONE)
        pci_msix_disable(transport->fn);
    for (unsigned i = 0; i < transport->nr_vectors; i++)
        arch_irq_free(transport->vectors[i].vector);
    transport->nr_vectors = 0;
    transport->mode = INTERRUPT_NONE;
    transport->dev.interrupts = NULL;
}
