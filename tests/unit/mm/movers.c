/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See movers.h. The linker puts these functions in front of the real ones (suite.mk): what is
 * no mover is left to those.
 */
#include "movers.h"
#include <neap/movable.h>
#include <neap/pin.h>
#include <neap/space.h>

struct mover movers[MOVERS_MAX];
unsigned nr_movers;
uint64_t moved_pages, test_promised;
void (*on_evacuate)(struct page *page);

static uintptr_t address_of(const struct mover *mover)
{
    return HEAP_BASE + (uintptr_t)(mover - movers) * (PAGE_SIZE << MAX_ORDER);
}

static void set_place(struct mover *mover, struct page *page)
{
    mover->page = page;
    page->owner = address_of(mover);
    if (mover->lent)
        page_set_lent(page);
}

static uint64_t *word(const struct mover *mover, uint64_t page)
{
    return page_to_virt(mover->page + page);
}

static struct mover *take_slot(unsigned order, bool lent)
{
    struct page *page = alloc_pages(order, PAGE_MOVABLE, ALLOC_NO_RECLAIM);
    struct mover *mover = &movers[nr_movers];

    if (!page)
        return NULL;
    CHECK(nr_movers < MOVERS_MAX);
    nr_movers++;
    *mover = (struct mover){.order = order, .lent = lent, .stamp = unit_random()};
    set_place(mover, page);
    return mover;
}

struct mover *mover_new(unsigned order)
{
    struct mover *mover = take_slot(order, false);

    for (uint64_t i = 0; mover && i < order_pages(order); i++)
        *word(mover, i) = mover->stamp + i;
    return mover;
}

struct mover *mover_lend(unsigned order)
{
    return take_slot(order, true);
}

static void check(const struct mover *mover)
{
    CHECK_EQ(mover->page->state, PAGE_ALLOCATED);
    CHECK_EQ(mover->page->order, mover->order);
    for (uint64_t i = 0; !mover->lent && i < order_pages(mover->order); i++)
        CHECK_EQ(*word(mover, i), mover->stamp + i);
}

void mover_check_all(void)
{
    for (unsigned i = 0; i < nr_movers; i++)
        check(&movers[i]);
}

void mover_free(unsigned index)
{
    struct mover gone = movers[index];

    check(&gone);
    movers[index] = movers[--nr_movers];
    if (index < nr_movers)
        set_place(&movers[index], movers[index].page);
    free_pages(gone.page, gone.order);
}

void mover_free_all(void)
{
    while (nr_movers)
        mover_free(nr_movers - 1);
}

int __real_space_evacuate(struct page *page);
int __wrap_space_evacuate(struct page *page);
int __real_space_evacuate_pages(struct page *const *pages, unsigned nr);
int __wrap_space_evacuate_pages(struct page *const *pages, unsigned nr);
uint64_t __real_lenders_vacate(pfn_t start, pfn_t end);
uint64_t __wrap_lenders_vacate(pfn_t start, pfn_t end);
uint64_t __real_space_promised_pages(void);
uint64_t __wrap_space_promised_pages(void);
uint64_t __real_space_promise_cost(uint64_t more);
uint64_t __wrap_space_promise_cost(uint64_t more);
const char *__real_pin_owner(uint64_t start, uint64_t end);
const char *__wrap_pin_owner(uint64_t start, uint64_t end);

/* The mover that holds the page, NULL: none. */
static struct mover *mover_of(const struct page *page)
{
    uint64_t i = (page->owner - HEAP_BASE) / (PAGE_SIZE << MAX_ORDER);

    return i < nr_movers && movers[i].page == page && page->owner == address_of(&movers[i])
               ? &movers[i]
               : NULL;
}

int __wrap_space_evacuate(struct page *page)
{
    struct page *target;
    struct mover *mover;

    if (on_evacuate)
        on_evacuate(page);
    mover = mover_of(page);
    if (!mover)
        return __real_space_evacuate(page);
    if (page->pins)
        return -EBUSY;
    target = alloc_pages(mover->order, PAGE_MOVABLE, ALLOC_NO_RECLAIM);
    if (!target)
        return -ENOMEM;
    memcpy(page_to_virt(target), page_to_virt(page), PAGE_SIZE << mover->order);
    set_place(mover, target);
    free_pages(page, mover->order);
    moved_pages += order_pages(mover->order);
    return 0;
}

/* Movers go one by one, the pages of the address space together. */
int __wrap_space_evacuate_pages(struct page *const *pages, unsigned nr)
{
    struct page *others[SPACE_BATCH_MAX];
    unsigned nr_others = 0;
    int error = 0, first = 0;

    for (unsigned i = 0; i < nr; i++) {
        if (!mover_of(pages[i])) {
            others[nr_others++] = pages[i];
            continue;
        }
        error = __wrap_space_evacuate(pages[i]);
        first = i == 0 ? error : first;
    }
    if (!nr_others)
        return first;
    error = __real_space_evacuate_pages(others, nr_others);
    return others[0] == pages[0] ? error : first;
}

uint64_t __wrap_lenders_vacate(pfn_t start, pfn_t end)
{
    uint64_t freed = __real_lenders_vacate(start, end);

    for (unsigned i = nr_movers; i-- > 0;) {
        pfn_t pfn = page_to_pfn(movers[i].page);

        if (!movers[i].lent || pfn >= end || pfn + order_pages(movers[i].order) <= start)
            continue;
        freed += order_pages(movers[i].order);
        mover_free(i);
    }
    return freed;
}

uint64_t __wrap_space_promised_pages(void)
{
    return __real_space_promised_pages() + test_promised;
}

uint64_t __wrap_space_promise_cost(uint64_t more)
{
    return __real_space_promise_cost(more + test_promised);
}

const char *__wrap_pin_owner(uint64_t start, uint64_t end)
{
    const char *owner = __real_pin_owner(start, end);

    for (uint64_t pfn = start; !owner && pfn < end; pfn++)
        owner = pfn_to_page(pfn)->pins ? "test" : NULL;
    return owner;
}
