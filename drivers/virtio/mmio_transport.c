/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MMIO transport: one window of registers and one interrupt line for a device.
 */
#include "mmio_transport.h"
#include "mmio_registers.h"
#include <arch/irq.h>
#include <arch/mmio.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/timer.h>
#include <neap/trace.h>

static uint32_t read_register(struct virtio_device *dev, unsigned reg)
{
    return mmio_read32(to_mmio(dev)->registers + reg);
}

static void write_register(struct virtio_device *dev, unsigned reg, uint32_t value)
{
    mmio_write32(to_mmio(dev)->registers + reg, value);
}

static uint8_t get_status(struct virtio_device *dev)
{
    return (uint8_t)read_register(dev, MMIO_STATUS);
}

static void set_status(struct virtio_device *dev, uint8_t status)
{
    write_register(dev, MMIO_STATUS, status);
}

static int reset(struct virtio_device *dev)
{
    int error;

    set_status(dev, 0);
    error = registers_await_reset(dev);
    /* It may still write to memory that is about to be freed: take its queues away. */
    for (unsigned i = 0; error && i < VIRTIO_QUEUES_MAX; i++) {
        write_register(dev, MMIO_QUEUE_SELECT, i);
        write_register(dev, MMIO_QUEUE_READY, 0);
        (void)read_register(dev, MMIO_QUEUE_READY); /* MMIO-017 */
    }
    return error;
}

static void get_features(struct virtio_device *dev, struct virtio_features *features)
{
    volatile uint8_t *registers = to_mmio(dev)->registers;

    registers_get_features(registers + MMIO_DEVICE_FEATURE_SELECT,
                           registers + MMIO_DEVICE_FEATURES, features);
}

static void set_features(struct virtio_device *dev, const struct virtio_features *features)
{
    volatile uint8_t *registers = to_mmio(dev)->registers;

    registers_set_features(registers + MMIO_DRIVER_FEATURE_SELECT,
                           registers + MMIO_DRIVER_FEATURES, features);
}

static uint32_t config_generation(struct virtio_device *dev)
{
    return read_register(dev, MMIO_GENERATION);
}

/* NULL beyond the end. */
static volatile uint8_t *config_field(struct virtio_device *dev, unsigned offset,
                                      unsigned width)
{
    struct mmio_transport *transport = to_mmio(dev);

    if ((uint64_t)MMIO_CONFIG + offset + width > transport->bytes)
        return NULL;
    return transport->registers + MMIO_CONFIG + offset;
}

static int config_read(struct virtio_device *dev, unsigned offset, unsigned width,
                       uint32_t *value)
{
    return registers_read(config_field(dev, offset, width), width, value);
}

static int config_write(struct virtio_device *dev, unsigned offset, unsigned width,
                        uint32_t value)
{
    return registers_write(config_field(dev, offset, width), width, value);
}

static unsigned queue_max_size(struct virtio_device *dev, unsigned index)
{
    write_register(dev, MMIO_QUEUE_SELECT, index);
    return read_register(dev, MMIO_QUEUE_SIZE_MAX);
}

static void write_address(struct virtio_device *dev, unsigned reg, uint64_t address)
{
    write_register(dev, reg, (uint32_t)address);
    write_register(dev, reg + 4, (uint32_t)(address >> 32));
}

static int queue_enable(struct virtio_device *dev, unsigned index, unsigned size,
                        const struct virtqueue_areas *areas)
{
    write_register(dev, MMIO_QUEUE_SELECT, index);
    if (read_register(dev, MMIO_QUEUE_READY)) /* in use since before the reset */
        return -EIO;
    write_register(dev, MMIO_QUEUE_SIZE, size);
    write_address(dev, MMIO_QUEUE_DESCRIPTOR, areas->descriptor);
    write_address(dev, MMIO_QUEUE_DRIVER, areas->driver);
    write_address(dev, MMIO_QUEUE_DEVICE, areas->device);
    write_register(dev, MMIO_QUEUE_READY, 1);
    return 0;
}

static void notify(struct virtio_device *dev, unsigned index, uint32_t data)
{
    uint64_t begin = clock_ns();

    write_register(dev, MMIO_QUEUE_NOTIFY, data);
    trace_record(TRACE_KICK, index, (uintptr_t)(to_mmio(dev)->registers + MMIO_QUEUE_NOTIFY),
                 (uintptr_t)__builtin_return_address(0), begin, clock_ns());
}

/*
 * Acknowledging what was seen lowers the line; what comes later raises it again. By the letter
 * (MMIO-032) this comes after the handling, but then a buffer used in between would be
 * acknowledged unseen.
 */
static void line_interrupt(void *arg)
{
    struct virtio_device *dev = arg;
    uint32_t cause =
        read_register(dev, MMIO_INTERRUPT_STATUS) & (INTERRUPT_QUEUE | INTERRUPT_CONFIG);

    if (!cause) /* another device's */
        return;
    write_register(dev, MMIO_INTERRUPT_ACK, cause);
    registers_interrupt(dev, cause);
}

static int setup_interrupts(struct virtio_device *dev, const unsigned *indices UNUSED,
                            unsigned nr_queues UNUSED)
{
    struct mmio_transport *transport = to_mmio(dev);
    int error = arch_irq_line_attach(transport->line, line_interrupt, dev, dev->name);

    transport->attached = !error;
    dev->interrupts = error ? NULL : "interrupt line";
    if (error)
        log_error("virtio", "%s: interrupt line %u cannot be used: %s", dev->name,
                  transport->line, error_name(error));
    return error;
}

static void release(struct virtio_device *dev)
{
    struct mmio_transport *transport = to_mmio(dev);

    if (transport->attached)
        arch_irq_line_detach(transport->line, line_interrupt, dev);
    transport->attached = false;
    dev->interrupts = NULL;
}

const struct virtio_transport_ops mmio_transport_ops = {
    .name = "mmio",
    .get_status = get_status,
    .set_status = set_status,
    .reset = reset,
    .get_features = get_features,
    .set_features = set_features,
    .config_generation = config_generation,
    .config_read = config_read,
    .config_write = config_write,
    .queue_max_size = queue_max_size,
    .setup_interrupts = setup_interrupts,
    .queue_enable = queue_enable,
    .notify = notify,
    .release = release,
};
