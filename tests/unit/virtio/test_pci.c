/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI: scan, BARs, capability lists, MSI-X tables, all of them hostile.
 */
#include "../../../drivers/pci/registers.h"
#include "fake_pci.h"
#include <errno.h>
#include <neap/alloc.h>

#define BDF(bus, slot, function) ((pci_bdf_t)((bus) << 8 | (slot) << 3 | (function)))

static void scan(void)
{
    shim_boot(64 * MIB);
    fake_pci_install();
    pci_init();
}

static struct fake_function *bridge(pci_bdf_t bdf, uint8_t secondary)
{
    struct fake_function *fn = fake_function(bdf, 0x8086, 1);

    fn->config[PCI_HEADER_TYPE] = PCI_HEADER_BRIDGE;
    fn->config[PCI_SECONDARY] = secondary;
    return fn;
}

TEST(pci_nothing_there)
{
    scan();
    CHECK_EQ(pci_count(), 0);
}

TEST(pci_scan_finds_functions)
{
    struct fake_function *multi = fake_function(BDF(0, 1, 0), 0x1234, 2);

    fake_function(BDF(0, 1, 3), 0x1234, 3);
    fake_function(BDF(0, 1, 7), 0x1234, 4);
    multi->config[PCI_HEADER_TYPE] = PCI_HEADER_MULTI;
    fake_function(BDF(0, 2, 0), 0x1234, 5);
    fake_function(BDF(0, 2, 1), 0x1234, 6); /* its function 0 has no others */
    fake_function(BDF(0, 3, 1), 0x1234, 7); /* there is no function 0 */
    fake_function(BDF(0, 31, 0), 0x1234, 8);
    fake_put32(multi, PCI_CLASS, 0x02000005);
    fake_put32(multi, PCI_SUBSYSTEM, 0x00100020);
    scan();
    CHECK_EQ(pci_count(), 5);
    CHECK_EQ(pci_nth(0)->device, 2);
    CHECK_EQ(pci_nth(0)->revision, 5);
    CHECK_EQ(pci_nth(0)->class_code, 0x020000);
    CHECK_EQ(pci_nth(0)->subsystem_vendor, 0x20);
    CHECK_EQ(pci_nth(0)->subsystem_device, 0x10);
    CHECK_EQ(pci_nth(2)->bdf, BDF(0, 1, 7));
}

TEST(pci_bridges)
{
    bridge(BDF(0, 1, 0), 3);
    bridge(BDF(3, 0, 0), 200);
    fake_function(BDF(200, 4, 0), 0x1234, 9);
    fake_function(BDF(7, 0, 0), 0x1234, 10); /* behind no bridge */
    scan();
    CHECK_EQ(pci_count(), 3);
    CHECK_EQ(pci_nth(2)->device, 9);
}

TEST(pci_bridges_in_a_circle)
{
    bridge(BDF(0, 1, 0), 1);
    bridge(BDF(0, 2, 0), 1);
    bridge(BDF(1, 1, 0), 2);
    bridge(BDF(2, 1, 0), 0);
    bridge(BDF(2, 2, 0), 2);
    scan();
    CHECK_EQ(pci_count(), 5);
}

TEST(pci_no_memory)
{
    shim_boot(64 * MIB);
    while (alloc_pages(0, PAGE_KERNEL, 0))
        ;
    fake_function(0, 0x1234, 5);
    fake_pci_install();
    pci_init();
    CHECK(shim_log_count("no memory") > 0 || pci_count() == 1);
}

static struct pci_function *one(struct fake_function *fn)
{
    (void)fn;
    scan();
    pci_read_bars(pci_nth(0));
    return pci_nth(0);
}

TEST(pci_bars)
{
    struct fake_function *fake = fake_function(8, 0x1234, 1);
    struct pci_function *fn;

    fake_bar(fake, 0, 0xfe000000, 0x1000, false);
    fake_put32(fake, PCI_BAR0 + 4, 0xc001); /* I/O */
    fake->bar_mask[1] = 0xffffffe0;
    fake_bar(fake, 2, UINT64_C(0x3800000000), UINT64_C(8) << 30, true);
    fn = one(fake);
    CHECK_EQ(fn->bars[0].phys, 0xfe000000);
    CHECK_EQ(fn->bars[0].size, 0x1000);
    CHECK_EQ(fn->bars[1].phys, 0);
    CHECK_EQ(fn->bars[2].phys, UINT64_C(0x3800000000));
    CHECK_EQ(fn->bars[2].size, UINT64_C(8) << 30);
    CHECK_EQ(fn->bars[3].size, 0);
    CHECK(!fake->decoded_while_sizing);
    CHECK_EQ(fake_get16(fake, PCI_COMMAND), PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    CHECK_EQ(fake_get16(fake, PCI_BAR0 + 2), 0xfe00); /* put back */
}

TEST_CASES(pci_bars_without_sense, 6)
{
    struct fake_function *fake = fake_function(8, 0x1234, 1);
    unsigned bar = 0;

    switch (test_case) {
    case 0: /* not assigned */
        fake_bar(fake, 0, 0, 0x1000, false);
        break;
    case 1: /* not aligned to its size */
        fake_bar(fake, 0, 0xfe000800, 0x1000, false);
        fake->bar_mask[0] = 0xfffff000;
        break;
    case 2: /* the size is no power of two */
        fake_bar(fake, 0, 0xfe000000, 0x1000, false);
        fake->bar_mask[0] = 0xff0ff000;
        break;
    case 3: /* 64 bits in the last register */
        fake_bar(fake, 5, 0xfe000000, 0x1000, false);
        fake->config[PCI_BAR0 + 20] |= PCI_BAR_64;
        bar = 5;
        break;
    case 4: /* ends beyond 2^64 */
        fake_bar(fake, 0, UINT64_C(0xfffffffffffff000), 0x1000, true);
        break;
    case 5: /* a bridge has no such registers */
        fake_bar(fake, 0, 0xfe000000, 0x1000, false);
        fake->config[PCI_HEADER_TYPE] = PCI_HEADER_BRIDGE;
        break;
    }
    CHECK_EQ(one(fake)->bars[bar].phys, 0);
    CHECK_EQ(pci_nth(0)->bars[bar].size, 0);
}

TEST(pci_command_register)
{
    struct fake_function *fake = fake_function(8, 0x1234, 1);
    struct pci_function *fn = one(fake);

    fake_put16(fake, PCI_COMMAND, PCI_COMMAND_INTX_OFF | 0x40);
    pci_enable_memory(fn);
    CHECK_EQ(fake_get16(fake, PCI_COMMAND), 0x42);
    pci_enable_bus_master(fn);
    CHECK_EQ(fake_get16(fake, PCI_COMMAND), 0x46);
    pci_disable(fn);
    CHECK_EQ(fake_get16(fake, PCI_COMMAND), 0x440);
}

TEST(pci_capabilities)
{
    struct fake_function *fake = fake_function(8, 0x1234, 1);
    struct pci_function *fn;

    fake_capability(fake, 0, 0x40, 5);
    fake_capability(fake, 0x40, 0x60, 9);
    fake_capability(fake, 0x60, 0xfc, 9);
    fn = one(fake);
    CHECK_EQ(pci_find_capability(fn, 5, 0), 0x40);
    CHECK_EQ(pci_find_capability(fn, 9, 0), 0x60);
    CHECK_EQ(pci_find_capability(fn, 9, 0x60), 0xfc);
    CHECK_EQ(pci_find_capability(fn, 9, 0xfc), 0);
    CHECK_EQ(pci_find_capability(fn, 5, 0x40), 0);
    CHECK_EQ(pci_find_capability(fn, 6, 0), 0);
    CHECK_EQ(pci_find_capability(fn, 9, 0x50), 0); /* `from` is not in the list */
    fake_put16(fake, PCI_STATUS, 0);
    CHECK_EQ(pci_find_capability(fn, 9, 0), 0);
}

/* The list as bytes at 0x40, 0x44, ...: where each points to. */
TEST_CASES(pci_hostile_capabilities, 5)
{
    static const uint8_t lists[][5] = {
        {0x40, 0x40},             /* itself */
        {0x40, 0x44, 0x48, 0x40}, /* a circle */
        {0x40, 0x3c},             /* into the header */
        {0x3c},                   /* starts in the header */
        {0x43, 0x47, 0x40},       /* low bits are not part of the address */
    };
    static const unsigned want[] = {1, 3, 1, 0, 2};
    struct fake_function *fake = fake_function(8, 0x1234, 1);
    struct pci_function *fn;
    unsigned count = 0;

    fake_put16(fake, PCI_STATUS, PCI_STATUS_CAPABILITY);
    fake->config[PCI_CAPABILITY] = lists[test_case][0];
    fake->config[0x3c] = 9;
    for (unsigned i = 0; i < 4; i++) {
        fake->config[0x40 + 4 * i] = 9;
        fake->config[0x41 + 4 * i] = lists[test_case][i + 1];
    }
    fn = one(fake);
    for (unsigned at = 0; (at = pci_find_capability(fn, 9, at)) && count < 100;)
        count++;
    CHECK_EQ(count, want[test_case]);
}

TEST(pci_longest_capability_list)
{
    struct fake_function *fake = fake_function(8, 0x1234, 1);

    for (unsigned at = 0x40; at < 0x100; at += 4)
        fake_capability(fake, at == 0x40 ? 0 : at - 4, at, at == 0xfc ? 9 : 1);
    CHECK_EQ(pci_find_capability(one(fake), 9, 0), 0xfc);
}
