/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI configuration space for tests.
 */
#include "fake_pci.h"
#include "../../../drivers/pci/registers.h"
#include "bytes.h"
#include <string.h>

#define FUNCTIONS_MAX 64

static struct fake_function functions[FUNCTIONS_MAX];
static unsigned nr_functions;

static struct fake_function *find(pci_bdf_t bdf)
{
    for (unsigned i = 0; i < nr_functions; i++)
        if (functions[i].bdf == bdf)
            return &functions[i];
    return NULL;
}

static uint32_t config_read(pci_bdf_t bdf, unsigned offset, unsigned width)
{
    struct fake_function *fn = find(bdf);
    uint32_t value = UINT32_MAX >> (32 - 8 * width);

    CHECK(offset + width <= 256 && offset % width == 0);
    if (fn)
        value = (uint32_t)le_load(fn->config + offset, width);
    return value;
}

static void write_bar(struct fake_function *fn, unsigned offset, uint32_t value)
{
    unsigned bar = (offset - PCI_BAR0) / 4;
    uint32_t old = (uint32_t)le_load(fn->config + offset, 4);

    if (value == UINT32_MAX && fake_get16(fn, PCI_COMMAND) & PCI_COMMAND_MEMORY)
        fn->decoded_while_sizing = true;
    fake_put32(fn, offset, (value & fn->bar_mask[bar]) | (old & PCI_BAR_ATTRS));
}

/* PCI-016: nothing of a vendor's capability is ever written. */
static void check_capabilities(const struct fake_function *fn, unsigned offset)
{
    unsigned at = fn->config[PCI_CAPABILITY];

    for (unsigned i = 0; fn->watched && at && at < 254 && i < 48; i++, at = fn->config[at + 1])
        CHECK(fn->config[at] != 9 || offset < at || offset >= at + fn->config[at + 2]);
}

static void config_write(pci_bdf_t bdf, unsigned offset, unsigned width, uint32_t value)
{
    struct fake_function *fn = find(bdf);

    CHECK(offset + width <= 256 && offset % width == 0);
    CHECK(fn != NULL);
    check_capabilities(fn, offset);
    if (offset >= PCI_BAR0 && offset < PCI_BAR0 + 4 * PCI_BARS) {
        CHECK_EQ(width, 4);
        write_bar(fn, offset, value);
    } else {
        le_store(fn->config + offset, width, value);
    }
}

struct fake_function *fake_function(pci_bdf_t bdf, uint16_t vendor, uint16_t device)
{
    struct fake_function *fn = &functions[nr_functions++];

    CHECK(nr_functions <= FUNCTIONS_MAX);
    fn->bdf = bdf;
    fake_put16(fn, PCI_VENDOR_ID, vendor);
    fake_put16(fn, PCI_DEVICE_ID, device);
    fake_put16(fn, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    return fn;
}

void fake_put16(struct fake_function *fn, unsigned offset, uint16_t value)
{
    le_store(fn->config + offset, sizeof(value), value);
}

void fake_put32(struct fake_function *fn, unsigned offset, uint32_t value)
{
    le_store(fn->config + offset, sizeof(value), value);
}

uint16_t fake_get16(const struct fake_function *fn, unsigned offset)
{
    return (uint16_t)le_load(fn->config + offset, 2);
}

void fake_bar(struct fake_function *fn, unsigned bar, uint64_t phys, uint64_t size, bool wide)
{
    uint64_t mask = ~(size - 1);

    fake_put32(fn, PCI_BAR0 + 4 * bar, (uint32_t)phys | (wide ? PCI_BAR_64 : 0));
    fn->bar_mask[bar] = (uint32_t)mask & ~PCI_BAR_ATTRS;
    if (wide) {
        fake_put32(fn, PCI_BAR0 + 4 * bar + 4, (uint32_t)(phys >> 32));
        fn->bar_mask[bar + 1] = (uint32_t)(mask >> 32);
    }
}

uint8_t *fake_capability(struct fake_function *fn, unsigned previous, unsigned offset,
                         uint8_t id)
{
    fake_put16(fn, PCI_STATUS, fake_get16(fn, PCI_STATUS) | PCI_STATUS_CAPABILITY);
    fn->config[previous ? previous + 1 : PCI_CAPABILITY] = (uint8_t)offset;
    fn->config[offset] = id;
    return fn->config + offset;
}

void fake_pci_install(void)
{
    static const struct shim_pci ops = {config_read, config_write};

    shim_pci_set(&ops);
}

struct nth {
    unsigned at, want;
    struct pci_function *fn;
};

static void count_function(const struct pci_function *fn, void *arg)
{
    struct nth *nth = arg;

    if (nth->at++ == nth->want)
        nth->fn = (struct pci_function *)(uintptr_t)fn;
}

unsigned pci_count(void)
{
    struct nth nth = {0, 0, NULL};

    pci_for_each(count_function, &nth);
    return nth.at;
}

struct pci_function *pci_nth(unsigned n)
{
    struct nth nth = {0, n, NULL};

    pci_for_each(count_function, &nth);
    CHECK(nth.fn != NULL);
    return nth.fn;
}
