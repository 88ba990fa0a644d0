/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: register accesses go to the device models that shim_mmio_register() knows. */
#ifndef ASM_MMIO_H
#define ASM_MMIO_H

#include <stdint.h>

uint64_t shim_mmio_read(const volatile void *address, unsigned width);
void shim_mmio_write(volatile void *address, unsigned width, uint64_t value);

static inline uint8_t mmio_read8(const volatile void *address)
{
    return (uint8_t)shim_mmio_read(address, 1);
}

static inline uint16_t mmio_read16(const volatile void *address)
{
    return (uint16_t)shim_mmio_read(address, 2);
}

static inline uint32_t mmio_read32(const volatile void *address)
{
    return (uint32_t)shim_mmio_read(address, 4);
}

static inline void mmio_write8(volatile void *address, uint8_t value)
{
    shim_mmio_write(address, 1, value);
}

static inline void mmio_write16(volatile void *address, uint16_t value)
{
    shim_mmio_write(address, 2, value);
}

static inline void mmio_write32(volatile void *address, uint32_t value)
{
    shim_mmio_write(address, 4, value);
}

#endif
