/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The value of free pages, when the command line asks for one: whatever an application leaves
 * behind is gone, and a device that follows PAGE_POISON knows what it may assume.
 */
#include "internal.h"
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <string.h>

int poison_value = PAGE_POISON_OFF;

int page_poison(void)
{
    return poison_value;
}

void page_poison_write(pfn_t pfn, uint64_t pages)
{
    memset(phys_to_virt(pfn << PAGE_SHIFT), poison_value, pages << PAGE_SHIFT);
}

/* Read before anything else runs; never changed later. */
static int key_poison(const char *value)
{
    uint64_t byte;
    int error;

    if (!strcmp(value, "off"))
        return 0;
    error = parse_size(value, &byte);
    if (error || byte > UINT8_MAX)
        return error ? error : -ERANGE;
    poison_value = (int)byte;
    return 0;
}
CMDLINE_KEY(poison, "off|0-255: fill memory with this byte when it is freed", key_poison);
