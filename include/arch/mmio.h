/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device registers in memory, little-endian on every architecture.
 */
#ifndef ARCH_MMIO_H
#define ARCH_MMIO_H

/*
 * <asm/mmio.h> provides, inline, each one single access of the named width:
 *   uint8_t  mmio_read8(const volatile void *)    void mmio_write8(volatile void *, uint8_t)
 *   uint16_t mmio_read16(...)                     void mmio_write16(...)
 *   uint32_t mmio_read32(...)                     void mmio_write32(...)
 * The address comes from mmio_map() (neap/vmap.h).
 */
#include <asm/mmio.h>

#endif
