/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding PCI functions: from bus 0 through every bridge, each bus once.
 */
#include "registers.h"
#include <neap/bus.h>
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/log.h>
#include <neap/pci.h>
#include <neap/sections.h>
#include <string.h>

#define PCI_BUSES     256u
#define PCI_SLOTS     32u
#define PCI_FUNCTIONS 8u

LINKER_TABLE(__typeof__(const struct pci_driver *), pci_driver);

/* Functions are found once, at start-up, and stay: readers need no lock. */
static struct list functions = LIST_INIT(functions);

/*
 * Buses still to be scanned. A bridge whose secondary bus was seen already (a loop, or one bus
 * behind two bridges) adds nothing, so a scan ends after 256 buses whatever the host says.
 */
struct scan {
    uint8_t pending[PCI_BUSES];
    unsigned nr_pending;
    bool seen[PCI_BUSES];
};

static void scan_add_bus(struct scan *scan, unsigned bus)
{
    if (scan->seen[bus])
        return;
    scan->seen[bus] = true;
    scan->pending[scan->nr_pending++] = (uint8_t)bus;
}

/* Returns the entry of the table, NULL: nobody wants it. */
static const struct pci_driver *const *find_driver(const struct pci_function *fn)
{
    const struct pci_driver *const *driver, *const *best = NULL;
    enum pci_match best_match = PCI_MATCH_NONE;

    LINKER_TABLE_FOR_EACH(driver, pci_driver)
    {
        enum pci_match match = (*driver)->match(fn);

        if (match > best_match) {
            best = driver;
            best_match = match;
        }
    }
    return best;
}

static void pci_probe(struct pci_function *fn)
{
    const struct pci_driver *const *driver = find_driver(fn);
    int error;

    if (!driver)
        return;
    /* Only now: functions that nobody drives are left as the firmware set them up. */
    pci_read_bars(fn);
    fn->driver = (*driver)->name;
    error = (*driver)->probe(fn);
    if (error) {
        fn->driver = NULL;
        log_error("pci", "%02x:%02x.%x: %s cannot use it: %s", fn->bdf >> 8, fn->bdf >> 3 & 31,
                  fn->bdf & 7, (*driver)->name, error_name(error));
    }
}

static void function_found(pci_bdf_t bdf, uint16_t vendor)
{
    struct pci_function *fn = kcalloc(1, sizeof(*fn), 0);
    uint32_t class_revision;

    if (!fn) {
        log_error("pci", "%02x:%02x.%x: no memory for it, left out", bdf >> 8, bdf >> 3 & 31,
                  bdf & 7);
        return;
    }
    fn->bdf = bdf;
    fn->vendor = vendor;
    fn->device = (uint16_t)pci_read(fn, PCI_DEVICE_ID, 2);
    class_revision = pci_read(fn, PCI_CLASS, 4);
    fn->revision = (uint8_t)class_revision;
    fn->class_code = class_revision >> 8;
    if ((pci_read(fn, PCI_HEADER_TYPE, 1) & PCI_HEADER_MASK) == PCI_HEADER_DEVICE) {
        fn->subsystem_vendor = (uint16_t)pci_read(fn, PCI_SUBSYSTEM, 2);
        fn->subsystem_device = (uint16_t)pci_read(fn, PCI_SUBSYSTEM + 2, 2);
    }
    list_push_back(&functions, &fn->link);
}

/* Returns whether the device has more functions than this one. */
static bool scan_function(struct scan *scan, pci_bdf_t bdf)
{
    uint16_t vendor = (uint16_t)arch_pci_config_read(bdf, PCI_VENDOR_ID, 2);
    unsigned header;

    if (vendor == 0xffff || vendor == 0)
        return false;
    function_found(bdf, vendor);
    header = arch_pci_config_read(bdf, PCI_HEADER_TYPE, 1);
    if ((header & PCI_HEADER_MASK) == PCI_HEADER_BRIDGE)
        scan_add_bus(scan, arch_pci_config_read(bdf, PCI_SECONDARY, 1));
    return header & PCI_HEADER_MULTI;
}

static void scan_bus(struct scan *scan, unsigned bus)
{
    for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
        pci_bdf_t bdf = (pci_bdf_t)(bus << 8 | slot << 3);

        if (!scan_function(scan, bdf))
            continue;
        for (unsigned i = 1; i < PCI_FUNCTIONS; i++)
            scan_function(scan, (pci_bdf_t)(bdf | i));
    }
}

void pci_init(void)
{
    struct scan *scan = kcalloc(1, sizeof(*scan), 0);
    struct list *pos;

    if (!scan) {
        log_error("pci", "no memory to look for devices");
        return;
    }
    scan_add_bus(scan, 0);
    while (scan->nr_pending)
        scan_bus(scan, scan->pending[--scan->nr_pending]);
    kfree(scan);
    list_for_each (pos, &functions)
        pci_probe(list_entry(pos, struct pci_function, link));
}

void pci_for_each(void (*fn)(const struct pci_function *, void *), void *arg)
{
    struct list *pos;

    list_for_each (pos, &functions)
        fn(list_entry(pos, struct pci_function, link), arg);
}

BUS(pci, pci_init);
