/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI functions as drivers see them: identity, BARs, capabilities, MSI-X.
 */
#ifndef NEAP_PCI_H
#define NEAP_PCI_H

#include <arch/irq.h>
#include <arch/pci.h>
#include <neap/compiler.h>
#include <neap/list.h>
#include <stdbool.h>
#include <stdint.h>

#define PCI_BARS 6

struct pci_function {
    pci_bdf_t bdf;
    uint16_t vendor, device;
    uint16_t subsystem_vendor, subsystem_device;
    uint8_t revision;
    uint32_t class_code; /* base class << 16 | subclass << 8 | interface */
    struct {
        uint64_t phys; /* 0: absent, an I/O BAR, or a range that makes no sense */
        uint64_t size;
    } bars[PCI_BARS];
    /* MSI-X, when pci_msix_enable() succeeded */
    volatile uint8_t *msix_table;
    unsigned msix_vectors;
    const char *driver; /* name of the driver that took it, or NULL */
    void *driver_data;
    struct list link;
};

/* How well a driver fits a function: the best one gets it. */
enum pci_match {
    PCI_MATCH_NONE,
    PCI_MATCH_DEVICE,    /* its vendor and device ids, or its class */
    PCI_MATCH_SUBSYSTEM, /* its subsystem ids, too */
};

struct pci_driver {
    const char *name;
    enum pci_match (*match)(const struct pci_function *);
    /* Returns 0 or an error that is logged with the function's address. Thread context. */
    int (*probe)(struct pci_function *);
};

#define PCI_DRIVER(driver)                                                                     \
    static const struct pci_driver *const pci_driver_##driver LINKER_TABLE_ENTRY(pci_driver) = \
        &(driver)

/* Scan every bus and probe drivers. Boot thread, once. */
void pci_init(void);

/* Configuration space; offset < 256, width 1, 2 or 4. */
static inline uint32_t pci_read(const struct pci_function *fn, unsigned offset, unsigned width)
{
    return arch_pci_config_read(fn->bdf, offset, width);
}

static inline void pci_write(const struct pci_function *fn, unsigned offset, unsigned width,
                             uint32_t value)
{
    arch_pci_config_write(fn->bdf, offset, width, value);
}

/*
 * The next capability with this id after `from` (0: from the start): its offset, 0: none. A
 * list that loops or leaves the space ends (the device is input).
 */
unsigned pci_find_capability(const struct pci_function *fn, uint8_t id, unsigned from);

/* Let the function answer at its memory BARs, and raise its interrupt line. */
void pci_enable_memory(struct pci_function *fn);

/* Let it reach memory: after it was reset, so that nothing old goes on. */
void pci_enable_bus_master(struct pci_function *fn);

/* Take both away: a device that does not obey can then reach no memory. */
void pci_disable(struct pci_function *fn);

/*
 * Switch MSI-X on with every entry masked. Returns the number of entries, -ENOTSUP without
 * the capability or with a table outside its BAR, -ENOMEM.
 */
int pci_msix_enable(struct pci_function *fn);
void pci_msix_disable(struct pci_function *fn);

/* Point entry `index` at an interrupt vector of arch_irq_alloc() on `target` and unmask it. */
int pci_msix_set(struct pci_function *fn, unsigned index, int vector, struct cpu *target);

/* Call fn for each function. Thread context. For `devices`. */
void pci_for_each(void (*fn)(const struct pci_function *, void *), void *arg);

#endif
