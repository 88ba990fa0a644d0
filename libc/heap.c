/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The application heap behind malloc(): a range of addresses that grows and shrinks at its
 * end. What lies below the break is mapped, in large pages where they fit, and what malloc()
 * trims goes back to the page allocator at once, and so to the host.
 *
 * malloc() calls sbrk() under its own lock; nobody else may call it.
 */
#include <errno.h>
#include <neap/alloc.h>
#include <neap/panic.h>
#include <neap/pgtable.h>
#include <unistd.h>

#define LARGE_PAGE (PAGE_SIZE << PAGEBLOCK_ORDER)

static uintptr_t heap_break = HEAP_BASE;
static uintptr_t heap_mapped = HEAP_BASE; /* end of what is mapped, page aligned */

static int map_block(unsigned order)
{
    struct page *page = alloc_pages(order, PAGE_MOVABLE, ALLOC_ZERO);
    int error;

    if (!page)
        return -ENOMEM;
    error = pgtable_map(&kernel_pgtable, heap_mapped, page_to_phys(page), PAGE_SIZE << order,
                        PROT_KERNEL_RW);
    if (error)
        free_pages(page, order);
    else
        heap_mapped += PAGE_SIZE << order;
    return error;
}

/* Give back the last block of the heap if it lies above `end`. Returns whether it did. */
static bool unmap_last_block(uintptr_t end)
{
    uintptr_t start = ALIGN_DOWN(heap_mapped - PAGE_SIZE, LARGE_PAGE);
    unsigned order = PAGEBLOCK_ORDER;
    struct page *page;
    uint64_t phys;

    if (heap_mapped == HEAP_BASE)
        return false;
    /* A large block starts on a large page's boundary and its head knows the order. */
    ASSERT(pgtable_lookup(&kernel_pgtable, start, &phys, NULL, NULL));
    page = phys_to_page(phys);
    if (page->order != PAGEBLOCK_ORDER || !IS_ALIGNED(heap_mapped, LARGE_PAGE)) {
        order = 0;
        start = heap_mapped - PAGE_SIZE;
        ASSERT(pgtable_lookup(&kernel_pgtable, start, &phys, NULL, NULL));
        page = phys_to_page(phys);
    }
    if (start < end || pgtable_unmap(&kernel_pgtable, start, PAGE_SIZE << order))
        return false;
    free_pages(page, order);
    heap_mapped = start;
    return true;
}

static void shrink_to(uintptr_t end)
{
    while (unmap_last_block(ALIGN_UP(end, PAGE_SIZE)))
        ;
}

static int grow_to(uintptr_t end)
{
    uintptr_t before = heap_mapped;

    while (heap_mapped < end) {
        bool large = IS_ALIGNED(heap_mapped, LARGE_PAGE) && end - heap_mapped >= LARGE_PAGE;

        /* Without a large page, small ones: one more attempt, no other difference. */
        if (large && map_block(PAGEBLOCK_ORDER) == 0)
            continue;
        if (map_block(0)) {
            shrink_to(before);
            return -ENOMEM;
        }
    }
    return 0;
}

void *sbrk(ptrdiff_t increment)
{
    uintptr_t before = heap_break;
    uintptr_t after = before + (uintptr_t)increment;

    if (after < HEAP_BASE || after - HEAP_BASE > HEAP_SIZE ||
        (increment > 0 && grow_to(after))) {
        errno = ENOMEM;
        return (void *)-1;
    }
    heap_break = after;
    if (increment < 0)
        shrink_to(after);
    return (void *)before;
}
