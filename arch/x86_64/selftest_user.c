/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of ring 3. The kernel writes to them through the direct map only, so SMAP stays on.
 */
#include "selftest_user.h"
#include <neap/alloc.h>
#include <neap/errors.h>
#include <neap/panic.h>
#include <neap/pgtable.h>
#include <string.h>

static int map_pages(struct user_space *space)
{
    int error = pgtable_map(&kernel_pgtable, USER_CODE, page_to_phys(space->code), PAGE_SIZE,
                            PROT_USER | PROT_KERNEL_RX);

    if (error)
        return error;
    error = pgtable_map(&kernel_pgtable, USER_STACK_PAGE, page_to_phys(space->stack), PAGE_SIZE,
                        PROT_USER | PROT_KERNEL_RW);
    if (error && pgtable_unmap(&kernel_pgtable, USER_CODE, PAGE_SIZE))
        panic("a page that was just mapped cannot be unmapped");
    return error;
}

int user_space_create(struct user_space *space)
{
    int error = -ENOMEM;

    space->code = alloc_pages(0, PAGE_KERNEL, ALLOC_ZERO);
    space->stack = alloc_pages(0, PAGE_KERNEL, ALLOC_ZERO);
    if (space->code && space->stack)
        error = map_pages(space);
    if (!error)
        return 0;
    if (space->code)
        free_pages(space->code, 0);
    if (space->stack)
        free_pages(space->stack, 0);
    return error;
}

void user_space_destroy(struct user_space *space)
{
    /* Whole small pages: no table has to be split, so it cannot fail. */
    if (pgtable_unmap(&kernel_pgtable, USER_CODE, 2 * PAGE_SIZE))
        panic("the pages of ring 3 cannot be unmapped");
    free_pages(space->code, 0);
    free_pages(space->stack, 0);
}

void user_space_load(const struct user_space *space, const void *code, size_t size)
{
    memcpy(page_to_virt(space->code), code, size);
}
