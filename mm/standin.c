/* SPDX-License-Identifier: BSD-2-Clause */
/* Until the address space, the lenders and the pins are there: nothing can move. */
#include "internal.h"
#include <neap/errors.h>
#include <neap/movable.h>
#include <neap/pin.h>
#include <neap/space.h>

__attribute__((weak)) int space_evacuate(struct page *page)
{
    (void)page;
    return -EBUSY;
}

__attribute__((weak)) uint64_t space_promised_pages(void)
{
    return 0;
}

__attribute__((weak)) uint64_t lenders_vacate(pfn_t start, pfn_t end)
{
    (void)start;
    (void)end;
    return 0;
}

__attribute__((weak)) const char *pin_owner(uint64_t start, uint64_t end)
{
    (void)start;
    (void)end;
    return NULL;
}
