/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI transport: registers in memory, found through capabilities. Accesses have the width
 * of their field (PCI-005 to PCI-007).
 */
#include "pci_transport.h"
#include "mmio_registers.h"
#include <arch/mmio.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/timer.h>
#include <neap/trace.h>
#include <neap/vmap.h>

static uint8_t pci_get_status(struct virtio_device *dev)
{
    return mmio_read8(to_pci(dev)->common + COMMON_STATUS);
}

static void pci_set_status(struct virtio_device *dev, uint8_t status)
{
    mmio_write8(to_pci(dev)->common + COMMON_STATUS, status);
}

static int pci_reset(struct virtio_device *dev)
{
    struct pci_transport *transport = to_pci(dev);

    pci_enable_memory(transport->fn);
    pci_set_status(dev, 0);
    if (!registers_await_reset(dev)) { /* PCI-025 */
        pci_enable_bus_master(transport->fn);
        return 0;
    }
    /* It may still write to memory that is about to be freed: take its bus away. */
    pci_disable(transport->fn);
    return -ETIMEDOUT;
}

static void pci_get_features(struct virtio_device *dev, struct virtio_features *features)
{
    volatile uint8_t *common = to_pci(dev)->common;

    registers_get_features(common + COMMON_DEVICE_FEATURE_SELECT,
                           common + COMMON_DEVICE_FEATURE, features);
}

static void pci_set_features(struct virtio_device *dev, const struct virtio_features *features)
{
    volatile uint8_t *common = to_pci(dev)->common;

    registers_set_features(common + COMMON_DRIVER_FEATURE_SELECT,
                           common + COMMON_DRIVER_FEATURE, features);
}

static uint32_t pci_config_generation(struct virtio_device *dev)
{
    return mmio_read8(to_pci(dev)->common + COMMON_GENERATION);
}

static volatile uint8_t *config_field(struct virtio_device *dev, unsigned offset,
                                      unsigned width)
{
    struct pci_transport *transport = to_pci(dev);

    if ((uint64_t)offset + width > transport->config_where.length)
        return NULL;
    return transport->config + offset;
}

static int pci_config_read(struct virtio_device *dev, unsigned offset, unsigned width,
                           uint32_t *value)
{
    return registers_read(config_field(dev, offset, width), width, value);
}

static int pci_config_write(struct virtio_device *dev, unsigned offset, unsigned width,
                            uint32_t value)
{
    return registers_write(config_field(dev, offset, width), width, value);
}

void pci_select_queue(struct pci_transport *transport, unsigned index)
{
    mmio_write16(transport->common + COMMON_QUEUE_SELECT, (uint16_t)index);
}

static unsigned pci_queue_max_size(struct virtio_device *dev, unsigned index)
{
    pci_select_queue(to_pci(dev), index);
    return mmio_read16(to_pci(dev)->common + COMMON_QUEUE_SIZE);
}

/* 64-bit fields take two accesses (PCI-007). */
static void write64(volatile uint8_t *reg, uint64_t value)
{
    mmio_write32(reg, (uint32_t)value);
    mmio_write32(reg + 4, (uint32_t)(value >> 32));
}

/* Map the notification register of the selected queue, which must lie inside the structure. */
static int map_notify(struct pci_transport *transport, unsigned index)
{
    uint64_t bytes = virtio_accepted(&transport->dev, VIRTIO_F_NOTIFICATION_DATA) ? 4 : 2;
    uint64_t offset = (uint64_t)mmio_read16(transport->common + COMMON_QUEUE_NOTIFY_OFFSET) *
                      transport->notify_multiplier;
    uint64_t phys = transport->notify_where.phys + offset;

    if (offset + bytes > transport->notify_where.length || phys % bytes) {
        log_error("virtio",
                  "%s: notification register of queue %u at %#llx is outside its area",
                  transport->dev.name, index, (unsigned long long)offset);
        return -EIO;
    }
    transport->notify[index] = mmio_map(phys, bytes);
    return transport->notify[index] ? 0 : -ENOMEM;
}

int pci_queue_prepare(struct pci_transport *transport, unsigned index, unsigned size,
                      const struct virtqueue_areas *areas)
{
    volatile uint8_t *common = transport->common;
    int error;

    pci_select_queue(transport, index);
    error = map_notify(transport, index);
    if (error)
        return error;
    mmio_write16(common + COMMON_QUEUE_SIZE, (uint16_t)size);
    if (mmio_read16(common + COMMON_QUEUE_SIZE) != size)
        return -EIO;
    write64(common + COMMON_QUEUE_DESCRIPTOR, areas->descriptor);
    write64(common + COMMON_QUEUE_DRIVER, areas->driver);
    write64(common + COMMON_QUEUE_DEVICE, areas->device);
    return 0;
}

void pci_queue_start(struct pci_transport *transport, unsigned index)
{
    pci_select_queue(transport, index);
    mmio_write16(transport->common + COMMON_QUEUE_ENABLE, 1);
}

static int pci_queue_enable(struct virtio_device *dev, unsigned index, unsigned size,
                            const struct virtqueue_areas *areas)
{
    struct pci_transport *transport = to_pci(dev);
    int error = pci_queue_prepare(transport, index, size, areas);

    if (!error)
        pci_queue_start(transport, index); /* last: PCI-024 */
    return error;
}

static void pci_notify(struct virtio_device *dev, unsigned index, uint32_t data)
{
    volatile void *address = to_pci(dev)->notify[index];
    bool wide = virtio_accepted(dev, VIRTIO_F_NOTIFICATION_DATA);
    uint64_t begin = clock_ns();

    if (wide)
        mmio_write32(address, data); /* PCI-047 */
    else
        mmio_write16(address, (uint16_t)data); /* PCI-046 */
    trace_record(TRACE_KICK, index, (uintptr_t)address, (uintptr_t)__builtin_return_address(0),
                 begin, clock_ns());
}

static void pci_release(struct virtio_device *dev)
{
    pci_release_interrupts(to_pci(dev));
}

const struct virtio_transport_ops pci_transport_ops = {
    .name = "pci",
    .get_status = pci_get_status,
    .set_status = pci_set_status,
    .reset = pci_reset,
    .get_features = pci_get_features,
    .set_features = pci_set_features,
    .config_generation = pci_config_generation,
    .config_read = pci_config_read,
    .config_write = pci_config_write,
    .queue_max_size = pci_queue_max_size,
    .setup_interrupts = pci_setup_interrupts,
    .queue_enable = pci_queue_enable,
    .notify = pci_notify,
    .release = pci_release,
};
