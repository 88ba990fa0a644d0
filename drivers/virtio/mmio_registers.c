/* SPDX-License-Identifier: BSD-2-Clause */
/* What the transports whose registers are memory share; mmio_registers.h says what for. */
#include "mmio_registers.h"
#include <arch/mmio.h>
#include <neap/errors.h>
#include <neap/thread.h>
#include <neap/timer.h>

/* A reset is over at once on a software device; hardware gets a second. */
#define RESET_POLLS   1000
#define RESET_POLL_NS NS_PER_MS
#define RESET_SPINS   10
#define FEATURE_WORDS (VIRTIO_FEATURE_WORDS * 2)

void registers_get_features(volatile uint8_t *select, volatile uint8_t *word,
                            struct virtio_features *features)
{
    for (unsigned i = 0; i < FEATURE_WORDS; i++) {
        mmio_write32(select, i);
        features->word[i / 2] |= (uint64_t)mmio_read32(word) << (i % 2 * 32);
    }
}

void registers_set_features(volatile uint8_t *select, volatile uint8_t *word,
                            const struct virtio_features *features)
{
    for (unsigned i = 0; i < FEATURE_WORDS; i++) {
        mmio_write32(select, i);
        mmio_write32(word, (uint32_t)(features->word[i / 2] >> (i % 2 * 32)));
    }
}

int registers_read(const volatile uint8_t *field, unsigned width, uint32_t *value)
{
    if (!field)
        return -ERANGE;
    *value = width == 4   ? mmio_read32(field)
             : width == 2 ? mmio_read16(field)
                          : mmio_read8(field);
    return 0;
}

int registers_write(volatile uint8_t *field, unsigned width, uint32_t value)
{
    if (!field)
        return -ERANGE;
    if (width == 4)
        mmio_write32(field, value);
    else if (width == 2)
        mmio_write16(field, (uint16_t)value);
    else
        mmio_write8(field, (uint8_t)value);
    return 0;
}

/* RESET-001 */
int registers_await_reset(struct virtio_device *dev)
{
    for (unsigned i = 0; i < RESET_POLLS; i++) {
        if (!dev->ops->get_status(dev))
            return 0;
        if (i >= RESET_SPINS)
            thread_sleep_ns(RESET_POLL_NS);
    }
    return -ETIMEDOUT;
}

void registers_interrupt_queues(struct virtio_device *dev)
{
    for (unsigned i = 0; i < dev->nr_queues; i++)
        virtio_queue_interrupt(dev, i);
}

void registers_interrupt(struct virtio_device *dev, uint32_t cause)
{
    if (cause & INTERRUPT_CONFIG)
        virtio_config_interrupt(dev);
    if (cause & INTERRUPT_QUEUE)
        registers_interrupt_queues(dev);
}
