/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the transports whose registers are memory share: PCI and MMIO.
 */
#ifndef VIRTIO_MMIO_REGISTERS_H
#define VIRTIO_MMIO_REGISTERS_H

#include <neap/virtio.h>

/* Why a line was raised, in both transports. */
#define INTERRUPT_QUEUE  1u
#define INTERRUPT_CONFIG 2u

/* All feature words through a pair of registers: one selects, the other has the word. */
void registers_get_features(volatile uint8_t *select, volatile uint8_t *word,
                            struct virtio_features *features);
void registers_set_features(volatile uint8_t *select, volatile uint8_t *word,
                            const struct virtio_features *features);

/* A field of the configuration space: 1, 2 or 4 bytes. NULL: beyond its end, -ERANGE. */
int registers_read(const volatile uint8_t *field, unsigned width, uint32_t *value);
int registers_write(volatile uint8_t *field, unsigned width, uint32_t value);

/* Wait until the status reads 0: 0, or -ETIMEDOUT after a second. Thread context. */
int registers_await_reset(struct virtio_device *dev);

/* Pass an interrupt on to every queue and the configuration, as `cause` says. */
void registers_interrupt(struct virtio_device *dev, uint32_t cause);
void registers_interrupt_queues(struct virtio_device *dev);

#endif
