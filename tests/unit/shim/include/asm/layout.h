/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests: the kernel's address space at fixed places of the test process, clear of the
 * sanitizers' shadow. Nothing is mapped there until the kernel's own page tables say so.
 */
#ifndef ASM_LAYOUT_H
#define ASM_LAYOUT_H

#include <stdint.h>

#define PAGE_SHIFT      12
#define PAGE_SIZE       (UINT64_C(1) << PAGE_SHIFT)
#define PAGEBLOCK_ORDER 9
#define MEM_BLOCK_SHIFT 27

#define DIRECT_MAP_BASE UINT64_C(0x200000000000)
#define FRAME_MAP_BASE  UINT64_C(0x300000000000)
#define VMAP_BASE       UINT64_C(0x310000000000)
#define VMAP_SIZE       (UINT64_C(64) << 30)
#define HEAP_BASE       UINT64_C(0x320000000000)
#define HEAP_SIZE       (UINT64_C(1) << 40)
#define MMIO_BASE       UINT64_C(0x600000000000)

/* Physical memory that is reachable at DIRECT_MAP_BASE before the final page tables. */
#define BOOT_MAP_SIZE (UINT64_C(4) << 30)

#endif
