/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI-X tables.
 */
#include "../../../drivers/pci/registers.h"
#include "fake_pci.h"
#include <errno.h>

static struct pci_function *fn;

/* The device of fake_virtio_pci.c, scanned by nobody's driver. */
static void start(void)
{
    model_create();
    fake_put16(model.fn, PCI_DEVICE_ID, 0x9999);
    shim_boot(64 * MIB);
    fake_pci_install();
    pci_init();
    fn = pci_nth(0);
    CHECK(fn->driver == NULL);
    pci_read_bars(fn);
}

static unsigned control(void)
{
    return fake_get16(model.fn, PCI_CAP_MSIX_AT + PCI_MSIX_CONTROL);
}

TEST(msix_enable_masks_every_entry)
{
    start();
    CHECK_EQ(pci_msix_enable(fn), 16);
    CHECK_EQ(control(), PCI_MSIX_ENABLE | 15);
    for (unsigned i = 0; i < 16; i++)
        CHECK_EQ(model.table[4 * i + 3], 1);
    CHECK_EQ(pci_msix_set(fn, 3, 70, cpus[0]), 0);
    CHECK_EQ(model.table[12], SHIM_MSI_ADDRESS);
    CHECK_EQ(model.table[13], 0);
    CHECK_EQ(model.table[14], 70);
    CHECK_EQ(model.table[15], 0);
    CHECK_EQ(pci_msix_set(fn, 16, 70, cpus[0]), -EINVAL);
    pci_msix_disable(fn);
    CHECK_EQ(control(), 15);
    CHECK_EQ(pci_msix_set(fn, 3, 70, cpus[0]), -EINVAL);
    pci_msix_disable(fn);
}

TEST_CASES(msix_table_outside, 6)
{
    static const struct {
        uint32_t table;
        uint16_t control;
        int want;
    } cases[] = {
        {PCI_TABLE_SIZE | 1, 0, -ENOTSUP},        /* behind the BAR */
        {(PCI_TABLE_SIZE - 16) | 1, 0, 1},        /* the last entry that fits */
        {(PCI_TABLE_SIZE - 16) | 1, 1, -ENOTSUP}, /* one too many */
        {0xfffffff8 | 1, 0, -ENOTSUP},
        {6, 0, -ENOTSUP}, /* no such BAR */
        {0, 0, -ENOTSUP}, /* an absent one */
    };

    start();
    fake_put32(model.fn, PCI_CAP_MSIX_AT + PCI_MSIX_TABLE, cases[test_case].table);
    fake_put16(model.fn, PCI_CAP_MSIX_AT + PCI_MSIX_CONTROL, cases[test_case].control);
    CHECK_EQ(pci_msix_enable(fn), cases[test_case].want);
    CHECK_EQ((control() & PCI_MSIX_ENABLE) != 0, cases[test_case].want > 0);
    CHECK_EQ(shim_log_count("is not inside BAR"), cases[test_case].want < 0);
}

TEST(msix_absent)
{
    start();
    model.fn->config[PCI_CAP_MSIX_AT] = 0x12;
    CHECK_EQ(pci_msix_enable(fn), -ENOTSUP);
    CHECK_EQ(shim_log_count("is not inside BAR"), 0);
    pci_msix_disable(fn);
}

/* A capability whose registers would lie behind the configuration space. */
TEST(msix_capability_at_the_end)
{
    start();
    fake_capability(model.fn, 0, 0xfc, 0x11);
    CHECK_EQ(pci_msix_enable(fn), -ENOTSUP);
}
