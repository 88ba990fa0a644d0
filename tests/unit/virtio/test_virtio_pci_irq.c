/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of the PCI transport: a vector each, shared ones, the line.
 */
#include "../../../drivers/pci/registers.h"
#include "../../../drivers/virtio/mmio_registers.h"
#include "../../../drivers/virtio/pci_transport.h"
#include "fake_pci.h"
#include <string.h>

static struct virtio_device *dev;

static void expect_live(void)
{
    shim_boot(64 * MIB);
    dev = model_scan();
    CHECK(dev && dev->live);
}

/* Which entries exist and whom they wake, by what the machine can spare. */
TEST_CASES(virtio_pci_interrupts, 7)
{
    static const struct {
        unsigned table, vectors;
        unsigned queue_vector[PCI_QUEUES];
        const char *name;
    } cases[] = {
        {16, 16, {1, 2, 3}, "MSI-X, one for each queue"},   /* one each */
        {2048, 16, {1, 2, 3}, "MSI-X, one for each queue"}, /* PCI-040: the largest table */
        {4, 16, {1, 2, 3}, "MSI-X, one for each queue"},    /* just enough */
        {3, 16, {1, 1, 1}, "MSI-X, one for all queues"},    /* a table too small: shared */
        {16, 2, {1, 1, 1}, "MSI-X, one for all queues"},    /* the device has no more */
        {1, 16, {0, 0, 0}, "MSI-X, one for everything"},    /* a single one */
        {16, 0, {NO_VECTOR, NO_VECTOR, NO_VECTOR}, "interrupt line"}, /* none: the line */
    };

    model_create();
    fake_put16(model.fn, PCI_CAP_MSIX_AT + 2, (uint16_t)(cases[test_case].table - 1));
    model.vectors = cases[test_case].vectors;
    expect_live();
    CHECK_EQ(strcmp(dev->interrupts, cases[test_case].name), 0);
    for (unsigned i = 0; i < PCI_QUEUES; i++)
        CHECK_EQ(model.queues[i].vector, cases[test_case].queue_vector[i]);
    for (unsigned i = 0; i < PCI_QUEUES && model.vectors; i++) {
        unsigned before = script.callbacks;

        CHECK(model_raise(model.queues[i].vector));
        CHECK_EQ(script.callbacks, before + (test_case < 3 ? 1 : PCI_QUEUES));
    }
    if (model.vectors) {
        shim_settle();
        script.config_changes = 0;
        CHECK(model_raise(model.config_vector));
        shim_settle();
        CHECK_EQ(script.config_changes, 1);
    }
}

TEST(virtio_pci_vectors_are_short)
{
    model_create();
    shim_irq_fail(2);
    expect_live(); /* per queue and shared fail at their first vector */
    CHECK_EQ(model.queues[0].vector, 0);
}

TEST(virtio_pci_interrupt_line)
{
    unsigned line = (unsigned)arch_pci_intx_line(5 << 3);

    model_create();
    model.vectors = 0;
    expect_live();
    CHECK_EQ(fake_get16(model.fn, PCI_CAP_MSIX_AT + 2) & PCI_MSIX_ENABLE, 0);
    shim_irq_raise_line(line); /* somebody else's */
    CHECK_EQ(script.callbacks, 0);
    model.isr = INTERRUPT_QUEUE;
    shim_irq_raise_line(line);
    CHECK_EQ(script.callbacks, PCI_QUEUES);
    model.isr = INTERRUPT_QUEUE | INTERRUPT_CONFIG; /* PCI-052 */
    shim_irq_raise_line(line);
    shim_settle();
    CHECK_EQ(script.callbacks, 2 * PCI_QUEUES);
    CHECK_EQ(script.config_changes, 1);
    CHECK_EQ(model.isr, 0);
    virtio_device_misbehaved(dev, "a test says so");
    shim_settle();
    CHECK(dev->live);
    model.isr = INTERRUPT_QUEUE;
    shim_irq_raise_line(line);
    CHECK_EQ(model.isr, 0);
}

static void nobody(void *arg)
{
    (void)arg;
}

/* A device that is given up leaves neither vectors nor a handler on the line behind. */
TEST_CASES(virtio_pci_interrupts_are_given_back, 2)
{
    unsigned line = (unsigned)arch_pci_intx_line(5 << 3), vectors = 0;

    model_create();
    model.vectors = test_case ? 0 : 16;
    expect_live();
    for (unsigned i = 0; i <= VIRTIO_RESETS_MAX; i++) {
        virtio_device_misbehaved(dev, "a test says so");
        shim_settle();
    }
    CHECK(!dev->live && !dev->interrupts);
    model.isr = INTERRUPT_QUEUE;
    shim_irq_raise_line(line);
    CHECK_EQ(model.isr, INTERRUPT_QUEUE);
    while (arch_irq_alloc(nobody, NULL, "test") >= 0)
        vectors++;
    CHECK_EQ(vectors, 64);
}
