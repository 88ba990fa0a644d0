/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual address space of x86_64, 4-level tables (see arch/layout.h). Also read by the
 * assembler and by the linker script's author: numbers only.
 */
#ifndef ASM_LAYOUT_H
#define ASM_LAYOUT_H

#ifdef __ASSEMBLER__
#define ASM_CONST(value) value
#else
#define ASM_CONST(value) value##UL
#endif

#define PAGE_SHIFT      12
#define PAGE_SIZE       ASM_CONST(0x1000)
#define PAGEBLOCK_ORDER 9
#define MEM_BLOCK_SHIFT 27

/* Room per area: 32 TiB of memory, 16 TiB of device addresses, frames for all of them. */
#define DIRECT_MAP_BASE ASM_CONST(0xffff800000000000)
#define HEAP_BASE       ASM_CONST(0xffffa00000000000)
#define HEAP_SIZE       ASM_CONST(0x0000010000000000)
#define VMAP_BASE       ASM_CONST(0xffffc00000000000)
#define VMAP_SIZE       ASM_CONST(0x0000001000000000)
#define MMIO_BASE       ASM_CONST(0xffffd00000000000)
#define FRAME_MAP_BASE  ASM_CONST(0xffffe00000000000)

/* The image is linked at IMAGE_BASE + its physical address (boot/x86_64.lds). */
#define IMAGE_BASE ASM_CONST(0xffffffff80000000)

/* The boot page tables map this much physical memory. */
#define BOOT_MAP_SIZE ASM_CONST(0x100000000)

#endif
