/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PCI function: its configuration space with BARs and capabilities, and the registers that
 * those point at, MSI-X table included.
 */
#include "../../drivers/pci/registers.h"
#include "../../drivers/virtio/pci_transport.h"
#include "bytes.h"
#include "fake_pci.h"
#include "fuzz.h"
#include "transport.h"
#include <neap/kmalloc.h>
#include <string.h>

#define WINDOW 0x1000u  /* the registers; all BARs show the same */
#define SLOT   (8 << 3) /* on interrupt line PLAIN_INTERRUPT */

#define TABLE_PHYS  UINT64_C(0xfd000000)
#define TABLE_BYTES 0x1000u

static struct fake_function *function;
static uint8_t space[WINDOW];
static uint64_t bar_phys, bar_bytes;

/* Only what belongs to the function may be touched. */
static void check_place(uint64_t phys, unsigned width)
{
    CHECK(phys - TABLE_PHYS <= TABLE_BYTES - width || phys - bar_phys <= bar_bytes - width);
}

static uint64_t honest(uint64_t offset, unsigned width)
{
    if (offset == COMMON_DEVICE_FEATURE) /* VERSION_1 */
        return le_load(space + COMMON_DEVICE_FEATURE_SELECT, 4) == 1;
    if (offset == COMMON_QUEUE_SIZE)
        return 8;
    if (offset == COMMON_QUEUE_NOTIFY_OFFSET)
        return 0;
    return le_load(space + offset, width);
}

static uint64_t read_register(void *arg UNUSED, uint64_t offset, unsigned width)
{
    check_place(offset, width);
    return transport_lie(honest(offset % WINDOW, width), width);
}

static void write_register(void *arg UNUSED, uint64_t offset, unsigned width, uint64_t value)
{
    check_place(offset, width);
    le_store(space + offset % WINDOW, width, value);
}

void fuzz_start(void)
{
    static const struct shim_mmio registers = {read_register, write_register};

    transport_boot(&registers);
    function = fake_function(SLOT, 0x1af4, 0x1040 + PLAIN_DEVICE_ID);
    fake_pci_install();
}

/* What is right, or a place at the end of the window, or any near it. */
static uint32_t nearly(uint32_t good)
{
    switch (fuzz_byte() % 8) {
    case 6:
        return WINDOW - 4 * (fuzz_byte() % 8u);
    case 7:
        return (uint32_t)fuzz_number(2) % (WINDOW + WINDOW / 16);
    default:
        return good;
    }
}

static void put_capability(unsigned n, unsigned type, uint32_t offset, uint32_t length)
{
    unsigned at = PCI_CAP_FIRST + n * PCI_CAP_STEP;
    uint8_t *capability = fake_capability(function, n ? at - PCI_CAP_STEP : 0, at, 9);

    capability[2] = PCI_CAP_STEP;
    capability[3] = (uint8_t)type;
    capability[4] = 4;
    fake_put32(function, at + 8, nearly(offset));
    fake_put32(function, at + 12, nearly(length));
    fake_put32(function, at + 16, 4);
}

/* A good device. Mappings of registers stay for ever, so there are few places for BARs. */
static void describe(void)
{
    static const uint64_t places[] = {0xfe000000, UINT64_C(1) << 40, 0, 0xfe000010};
    static const uint64_t sizes[] = {WINDOW, 4 * WINDOW, 0x100, 1 << 20};

    memset(function->config, 0, sizeof(function->config));
    fake_put16(function, PCI_VENDOR_ID, 0x1af4);
    fake_put16(function, PCI_DEVICE_ID, 0x1040 + PLAIN_DEVICE_ID);
    fake_bar(function, 1, TABLE_PHYS, TABLE_BYTES, false);
    bar_phys = places[fuzz_byte() % 4];
    bar_bytes = sizes[fuzz_byte() % 4];
    fake_bar(function, 4, bar_phys, bar_bytes, true);
    put_capability(0, 1, 0, COMMON_BYTES);
    put_capability(1, 2, 0x400, 0x100);
    put_capability(2, 3, 0x800, 1);
    put_capability(3, 4, 0xc00, 64);
    (void)fake_capability(function, PCI_CAP_FIRST + 3 * PCI_CAP_STEP, PCI_CAP_MSIX_AT,
                          PCI_CAP_MSIX);
    fake_put16(function, PCI_CAP_MSIX_AT + PCI_MSIX_CONTROL, fuzz_byte() % 8);
    fake_put32(function, PCI_CAP_MSIX_AT + PCI_MSIX_TABLE, 1);
}

/* Some bytes behind the BARs, which must not move about. */
static void damage(void)
{
    unsigned first = PCI_BAR0 + 4 * PCI_BARS;

    for (unsigned n = fuzz_byte() % 16; n && fuzz_more(); n--)
        function->config[first + fuzz_byte() % (256 - first)] = fuzz_byte();
}

static void release(struct virtio_device *dev)
{
    kfree(container_of(dev, struct pci_transport, dev));
}

void fuzz_run(void)
{
    struct pci_function *found;

    memset(space, 0, sizeof(space));
    describe();
    damage();
    pci_init();
    shim_settle();
    transport_use();
    transport_forget(release);
    found = pci_nth(0);
    list_remove(&found->link);
    kfree(found);
}
