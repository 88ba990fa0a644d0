/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device registers: one mov each. The compiler must not choose the instruction, because a
 * hypervisor decodes it and knows the simple forms only.
 */
#ifndef ASM_MMIO_H
#define ASM_MMIO_H

#include <stdint.h>

static inline uint8_t mmio_read8(const volatile void *address)
{
    uint8_t value;

    __asm__ volatile("movb (%1), %0" : "=q"(value) : "r"(address) : "memory");
    return value;
}

static inline uint16_t mmio_read16(const volatile void *address)
{
    uint16_t value;

    __asm__ volatile("movw (%1), %0" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline uint32_t mmio_read32(const volatile void *address)
{
    uint32_t value;

    __asm__ volatile("movl (%1), %0" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void mmio_write8(volatile void *address, uint8_t value)
{
    __asm__ volatile("movb %0, (%1)" ::"q"(value), "r"(address) : "memory");
}

static inline void mmio_write16(volatile void *address, uint16_t value)
{
    __asm__ volatile("movw %0, (%1)" ::"r"(value), "r"(address) : "memory");
}

static inline void mmio_write32(volatile void *address, uint32_t value)
{
    __asm__ volatile("movl %0, (%1)" ::"r"(value), "r"(address) : "memory");
}

#endif
