/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel image with its final protections: text may be executed, data written, the rest
 * read. Its memory is not in the direct map, so no second view of it exists.
 */
#include "boot.h"
#include "internal.h"
#include <neap/panic.h>
#include <neap/sections.h>

static void map_section(const char *start, const char *end, unsigned prot)
{
    uintptr_t va = (uintptr_t)start, last = ALIGN_UP((uintptr_t)end, PAGE_SIZE);

    ASSERT(IS_ALIGNED(va, PAGE_SIZE) && va <= last);
    while (va < last) {
        boot_tables_fill(&kernel_pgtable.cache);
        va = pgtable_map_piece(&kernel_pgtable, va, last, image_to_phys((void *)va), prot,
                               false, &kernel_pgtable.cache);
    }
}

void kernel_map_image(void)
{
    map_section(__image_start, __text_start, PROT_KERNEL_RO);
    map_section(__text_start, __text_end, PROT_KERNEL_RX);
    map_section(__rodata_start, __rodata_end, PROT_KERNEL_RO);
    map_section(__data_start, __image_end, PROT_KERNEL_RW);
}
