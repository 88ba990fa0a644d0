/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making the holder of one block give it up, so that it can be isolated.
 */
#include "isolate.h"
#include <neap/errors.h>
#include <neap/movable.h>
#include <neap/space.h>
#include <neap/thread.h>
#include <neap/timer.h>

/*
 * Who has just allocated a block is about to map or to free it; a page that moves on its own
 * comes to rest. So long, in all, a block may stay without an owner.
 */
#define ATTEMPTS_MAX 200
#define ATTEMPT_NS   (100 * NS_PER_US)

/* So far ahead single pages are looked for that can go together, under one lock. */
#define COLLECT_PAGES 512

/* A block that was in the way a moment ago. */
struct obstacle {
    struct page *head;
    uint64_t owner;
    uint8_t state;
    uint8_t flags;
    uint8_t order;
    bool pinned;
};

static void look(pfn_t pfn, struct obstacle *what)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    struct page *head = block_page(pfn) ? buddy_covering_head(pfn) : NULL;

    *what = (struct obstacle){.head = head, .state = PAGE_TAIL};
    if (head) {
        what->state = READ_ONCE(head->state);
        what->flags = READ_ONCE(head->flags);
        what->order = READ_ONCE(head->order);
        what->owner = READ_ONCE(head->owner);
        what->pinned = READ_ONCE(head->pins) > 0;
    }
    spin_unlock(&buddy.lock, flags);
}

bool isolate_movable(const struct page *page)
{
    return page->state == PAGE_ALLOCATED && page->pins == 0 &&
           (page->flags & PAGE_HELD_MOVABLE) &&
           (page->flags & PAGE_LENT || space_contains(page->owner));
}

static int wait_a_little(struct isolation *how)
{
    if (how->attempts++ >= ATTEMPTS_MAX)
        return -EBUSY;
    thread_sleep_ns(ATTEMPT_NS);
    return 0;
}

unsigned isolate_collect(pfn_t pfn, pfn_t end, struct page **pages)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    unsigned nr = 0;

    for (; pfn < end && nr < SPACE_BATCH_MAX; pfn++) {
        struct page *page = block_page(pfn);

        if (page && page->order == 0 && isolate_movable(page) && !(page->flags & PAGE_LENT))
            pages[nr++] = page;
    }
    spin_unlock(&buddy.lock, flags);
    return nr;
}

static int move_away(struct page *head, pfn_t end)
{
    struct page *pages[SPACE_BATCH_MAX];
    pfn_t pfn = page_to_pfn(head);
    unsigned nr;

    if (READ_ONCE(head->order))
        return space_evacuate(head);
    nr = isolate_collect(pfn, MIN(end, pfn + COLLECT_PAGES), pages);
    return nr ? space_evacuate_pages(pages, nr) : -EAGAIN;
}

static int evacuate_block(const struct obstacle *what, pfn_t start, pfn_t end,
                          struct isolation *how)
{
    int error = -EAGAIN;

    if (!(what->flags & PAGE_HELD_MOVABLE) || what->pinned)
        return -EBUSY;
    if (what->flags & PAGE_LENT) {
        if (!how->asked_lenders) {
            how->asked_lenders = true;
            (void)lenders_vacate(start, end);
            return 0;
        }
    } else if (space_contains(what->owner)) {
        error = move_away(what->head, end);
        /* A page that was split counts as moved: its parts come next. */
        if (error == -EAGAIN && READ_ONCE(what->head->order) < what->order)
            return 0;
    }
    return error == -EAGAIN ? wait_a_little(how) : error;
}

bool evacuate_is_lent(pfn_t pfn)
{
    struct obstacle what;

    look(pfn, &what);
    return what.state == PAGE_ALLOCATED && what.flags & PAGE_LENT;
}

int evacuate_at(pfn_t pfn, pfn_t start, pfn_t end, struct isolation *how)
{
    struct obstacle what;

    look(pfn, &what);
    switch (what.state) {
    case PAGE_FREE:
    case PAGE_ISOLATED:
        return 0;
    case PAGE_CPU_CACHE: /* on its way from a list to the buddy */
        return wait_a_little(how);
    case PAGE_ALLOCATED:
        return evacuate_block(&what, start, end, how);
    default:
        return -EBUSY;
    }
}
