/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of a virtio MMIO device, from its identification on.
 */
#include "../../drivers/virtio/mmio_transport.h"
#include "bytes.h"
#include "fuzz.h"
#include "transport.h"
#include <neap/bus.h>
#include <neap/kmalloc.h>
#include <neap/sections.h>
#include <string.h>

LINKER_TABLE(struct bus, bus);

#define PHYS  UINT64_C(0xfeb00000)
#define BYTES 0x200u

static uint8_t space[BYTES];

static uint64_t honest(uint64_t offset, unsigned width)
{
    switch (offset) {
    case MMIO_MAGIC:
        return MMIO_MAGIC_VALUE;
    case MMIO_VERSION:
        return MMIO_VERSION_2;
    case MMIO_DEVICE_ID:
        return PLAIN_DEVICE_ID;
    case MMIO_DEVICE_FEATURES: /* VERSION_1 */
        return le_load(space + MMIO_DEVICE_FEATURE_SELECT, 4) == 1;
    case MMIO_QUEUE_SIZE_MAX:
        return 16;
    case MMIO_QUEUE_READY:
        return 0;
    default:
        return le_load(space + offset, width);
    }
}

static uint64_t read_register(void *arg UNUSED, uint64_t offset, unsigned width)
{
    uint64_t value;

    offset -= PHYS;
    CHECK(offset <= BYTES - width);
    value = transport_lie(honest(offset, width), width);
    /* Drivers of real devices keep what they know of one for ever. */
    return offset == MMIO_DEVICE_ID && value < 64 ? value / 32 * PLAIN_DEVICE_ID : value;
}

static void write_register(void *arg UNUSED, uint64_t offset, unsigned width, uint64_t value)
{
    CHECK(offset - PHYS <= BYTES - width);
    le_store(space + (offset - PHYS), width, value);
}

void fuzz_start(void)
{
    static const struct shim_mmio registers = {read_register, write_register};

    transport_boot(&registers);
    CHECK_EQ(shim_cmdline_set("virtio_mmio.device", "512@0xfeb00000:16"), 0);
}

static void release(struct virtio_device *dev)
{
    kfree(container_of(dev, struct mmio_transport, dev));
}

void fuzz_run(void)
{
    const struct bus *bus;

    memset(space, 0, sizeof(space));
    LINKER_TABLE_FOR_EACH(bus, bus)
    {
        if (!strcmp(bus->name, "virtio_mmio"))
            bus->init();
    }
    transport_use();
    transport_forget(release);
}
