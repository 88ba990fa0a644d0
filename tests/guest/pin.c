/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins on the real machine: what is pinned keeps its place and its contents while everything
 * around it moves.
 */
#include "guest.h"
#include <neap/errors.h>
#include <neap/movable.h>
#include <neap/pgtable.h>
#include <neap/pin.h>
#include <neap/space.h>

#define PAGES 64

static struct page *frame_at(uintptr_t va)
{
    uint64_t phys = 0;

    pgtable_lookup(&kernel_pgtable, va, &phys, NULL, NULL);
    return phys_to_page(phys);
}

static void test_pinned_pages_stay(struct selftest *t)
{
    uintptr_t va = space_reserve(PAGES * PAGE_SIZE, PAGE_SIZE);
    struct pin_counts before, after;
    struct page *page;
    struct pin pin;

    if (!va || space_commit(va, PAGES * PAGE_SIZE, SPACE_READ | SPACE_WRITE)) {
        selftest_skip(t, "no memory for %d pages", PAGES);
        return;
    }
    for (unsigned i = 0; i < PAGES; i++)
        *(volatile uint64_t *)(va + i * PAGE_SIZE) = i;
    pin_counts_get(&before);
    EXPECT_EQ(t, pin_pages(&pin, va + 7 * PAGE_SIZE, 1, PIN_WRITE, "self-test"), 0);
    page = frame_at(va + 7 * PAGE_SIZE);
    EXPECT_EQ(t, pin.ranges[0].start, page_to_phys(page));
    for (unsigned i = 0; i < PAGES; i++) {
        int error = space_evacuate(frame_at(va + i * PAGE_SIZE));

        EXPECT_EQ(t, error, i == 7 ? -EBUSY : 0);
        EXPECT_EQ(t, *(volatile uint64_t *)(va + i * PAGE_SIZE), i);
    }
    EXPECT(t, frame_at(va + 7 * PAGE_SIZE) == page);
    unpin_pages(&pin);
    pin_counts_get(&after);
    EXPECT_EQ(t, after.pages, before.pages);
    EXPECT_EQ(t, space_evacuate(page), 0);
    EXPECT_EQ(t, space_release(va, PAGES * PAGE_SIZE), 0);
}
SELFTEST(pinned_pages_stay, test_pinned_pages_stay);
