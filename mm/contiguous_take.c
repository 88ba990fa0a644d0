/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking one physical range out of the free lists, or undoing everything: the second half of
 * alloc_contiguous().
 *
 * Frame pages of memory blocks that lie in the range move out of it. The frames they hold are
 * all isolated by then, so only holders of buddy.lock look at them.
 */
#include "contiguous.h"
#include "isolate.h"
#include <neap/errors.h>
#include <neap/panic.h>
#include <string.h>

/* Widen the range to all frames that frame pages inside it hold. */
static void extend_to_frames(pfn_t start, pfn_t end, pfn_t *wide_start, pfn_t *wide_end)
{
    *wide_start = start;
    *wide_end = end;
    for (pfn_t pfn = start; pfn < end; pfn++) {
        const struct page *page = pfn_to_page(pfn);
        pfn_t frames;

        if (READ_ONCE(page->state) != PAGE_RESERVED || !page->owner)
            continue;
        frames = (page->owner - FRAME_MAP_BASE) / sizeof(struct page);
        *wide_start = MIN(*wide_start, frames);
        *wide_end = MAX(*wide_end, frames + GRANULE_PAGES);
    }
}

/*
 * Nobody else may look at the frames while they exist twice: buddy.lock is held from the copy
 * until every CPU has forgotten the old place.
 */
static void move_frame_page(struct page *from, struct page *to)
{
    irqflags_t flags = spin_lock(&pgtable_lock);
    irqflags_t buddy_flags = spin_lock(&buddy.lock);
    uintptr_t va = from->owner;

    to->state = PAGE_RESERVED;
    to->flags &= PAGE_ELASTIC;
    to->owner = va;
    memcpy(page_to_virt(to), page_to_virt(from), PAGE_SIZE);
    pgtable_replace_leaf(&kernel_pgtable, va, page_to_phys(to), PROT_KERNEL_RW);
    tlb_flush_all_cpus(va, va + PAGE_SIZE);
    from->owner = 0;
    isolate_mark(from, 0, false);
    spin_unlock(&buddy.lock, buddy_flags);
    spin_unlock(&pgtable_lock, flags);
}

static int move_frame_pages(pfn_t start, pfn_t end)
{
    for (pfn_t pfn = start; pfn < end; pfn++) {
        struct page *page = pfn_to_page(pfn), *target;

        if (page->state != PAGE_RESERVED)
            continue;
        target = alloc_pages(0, PAGE_KERNEL, ALLOC_NO_RECLAIM | ALLOC_PROMISED);
        if (!target)
            return -ENOMEM;
        account_pages(PAGE_KERNEL, -1); /* metadata from here on */
        move_frame_page(page, target);
    }
    return 0;
}

/* False: applications were promised it meanwhile. */
static bool hand_out(pfn_t start, pfn_t end, enum page_kind kind)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    uint64_t cold = 0;

    if (memory_allowance(kind, ALLOC_SPARE) < end - start) {
        spin_unlock(&buddy.lock, flags);
        return false;
    }
    isolate_cut(start);
    isolate_cut(end);
    for (pfn_t pfn = start; pfn < end;) {
        struct page *page = pfn_to_page(pfn);

        buddy.isolated[page_reported(page) ? REPORTED : WARM] -= order_pages(page->order);
        cold += page_reported(page) ? order_pages(page->order) : 0;
        pfn += order_pages(page->order);
        page->state = PAGE_TAIL;
    }
    while (start < end) {
        unsigned order = buddy_fit_order(start, end);

        page_set_allocated(pfn_to_page(start), order, kind);
        start += order_pages(order);
    }
    if (cold)
        reporting_note_cold(cold);
    spin_unlock(&buddy.lock, flags);
    return true;
}

static int take_wide(pfn_t start, pfn_t end, pfn_t wide_start, pfn_t wide_end,
                     struct isolation *how)
{
    struct isolation around = {.holes = true, .evacuate = how->evacuate};
    int error = isolate_range(start, end, how);

    if (error)
        return error;
    error = isolate_range(wide_start, start, &around);
    if (!error)
        error = isolate_range(end, wide_end, &around);
    /* An obstacle outside: this candidate is hopeless, one that starts later may not be. */
    how->obstacle = error ? MAX(around.obstacle, start) : end;
    return error ? error : move_frame_pages(start, end);
}

int contiguous_take(pfn_t start, pfn_t end, enum page_kind kind, bool evacuate, pfn_t *obstacle)
{
    struct isolation how = {.evacuate = evacuate, .obstacle = end};
    pfn_t wide_start, wide_end;
    int error = block_activate_range(start, end);

    *obstacle = end;
    if (error)
        return error == -ENOENT ? -EAGAIN : error;
    extend_to_frames(start, end, &wide_start, &wide_end);
    isolate_begin(wide_start, wide_end);
    error = take_wide(start, end, wide_start, wide_end, &how);
    isolate_end();
    if (!error && !hand_out(start, end, kind))
        error = -ENOMEM;
    isolate_give_back(wide_start, wide_end);
    *obstacle = how.obstacle;
    return error == -EBUSY ? -EAGAIN : error;
}
