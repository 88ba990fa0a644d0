/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual address space of s390x: four levels of tables, 53 bits (see arch/layout.h). The image
 * is linked at its physical address; the lowest page stays unmapped, the lowcore appears at
 * LOWCORE_VIRT (asm/lowcore.h).
 */
#ifndef ASM_LAYOUT_H
#define ASM_LAYOUT_H

#define PAGE_SHIFT      12
#define PAGE_SIZE       0x1000UL
#define PAGEBLOCK_ORDER 8
#define MEM_BLOCK_SHIFT 28

/* Room per area: 32 TiB of memory, 16 TiB of device addresses, frames for all of them. */
#define DIRECT_MAP_BASE 0x0000200000000000UL
#define HEAP_BASE       0x0000400000000000UL
#define HEAP_SIZE       0x0000010000000000UL
#define VMAP_BASE       0x0000600000000000UL
#define VMAP_SIZE       0x0000001000000000UL
#define MMIO_BASE       0x0000700000000000UL
#define FRAME_MAP_BASE  0x0000a00000000000UL

/* The boot page tables map this much physical memory. */
#define BOOT_MAP_SIZE 0x2000000UL

#endif
