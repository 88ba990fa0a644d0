/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's virtual address space and the architecture's memory constants.
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

/*
 * <asm/layout.h> provides:
 *   PAGE_SHIFT, PAGE_SIZE         4 KiB frames on every architecture
 *   PAGEBLOCK_ORDER               order of the host's usual huge page (x86_64: 9, 2 MiB)
 *   MEM_BLOCK_SHIFT               log2 of the memory block (x86_64: 27, 128 MiB)
 *   DIRECT_MAP_BASE               virtual address of physical address 0
 *   FRAME_MAP_BASE                virtual address of the struct page of frame 0
 *   VMAP_BASE, VMAP_SIZE          kernel virtual area: stacks, with guard pages
 *   HEAP_BASE, HEAP_SIZE          application heap
 *   MMIO_BASE                     device registers: mapped at MMIO_BASE + physical address
 */
#include <asm/layout.h>
#include <stdint.h>

static inline void *phys_to_virt(uint64_t phys)
{
    return (void *)(uintptr_t)(DIRECT_MAP_BASE + phys);
}

/* Only for addresses inside the direct map. */
static inline uint64_t virt_to_phys(const void *virt)
{
    return (uint64_t)(uintptr_t)virt - DIRECT_MAP_BASE;
}

/* Physical address of something inside the kernel image (linker-assigned address). */
uint64_t image_to_phys(const void *virt);

#endif
