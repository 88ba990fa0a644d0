/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins of I/O buffers: they come and go with every frame and every block, so nothing but the
 * counts of the frames is written. Who pins so is a source, and knows what it pinned.
 */
#include "isolate.h"
#include "pin.h"
#include <neap/elastic.h>
#include <neap/panic.h>

static struct {
    struct spinlock lock;
    struct list list; /* under lock */
} sources = {
    .lock = SPINLOCK_INIT("pin sources", LOCK_RANK_PIN),
    .list = LIST_INIT(sources.list),
};

void pin_source_add(struct pin_source *source)
{
    irqflags_t flags = spin_lock(&sources.lock);

    list_push_back(&sources.list, &source->link);
    spin_unlock(&sources.lock, flags);
}

void pin_source_remove(struct pin_source *source)
{
    irqflags_t flags = spin_lock(&sources.lock);

    list_remove(&source->link);
    spin_unlock(&sources.lock, flags);
}

void pin_source_for_each(void (*fn)(const struct pin_source *, void *), void *arg)
{
    irqflags_t flags = spin_lock(&sources.lock);
    struct list *pos;

    list_for_each (pos, &sources.list)
        fn(list_entry(pos, struct pin_source, link), arg);
    spin_unlock(&sources.lock, flags);
}

struct search {
    pfn_t start, end;
    const char *owner;
};

static void compare(const struct pin_source *source, void *arg)
{
    struct search *search = arg;

    if (!search->owner && source->pages(source, search->start, search->end))
        search->owner = source->owner;
}

const char *pin_source_owner(pfn_t start, pfn_t end)
{
    struct search search = {start, end, NULL};

    pin_source_for_each(compare, &search);
    return search.owner;
}

/* Could the page be moved while the device has it? */
static bool may_move(struct page *page)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    const struct page *head = buddy_covering_head(page_to_pfn(page));
    bool movable = head->state == PAGE_ALLOCATED && head->flags & PAGE_HELD_MOVABLE;

    spin_unlock(&buddy.lock, flags);
    return movable && !READ_ONCE(page->pins);
}

/* The kernel's image has no frames: it never moves. */
static struct page *count(pfn_t pfn)
{
    struct page *page = block_page(pfn);

    if (!page)
        return NULL;
    DEBUG_ASSERT(!may_move(page));
    __atomic_add_fetch(&page->pins, 1, __ATOMIC_ACQ_REL);
    return page;
}

/* Memory of the application is pinned by whoever offers it, and longer than by the device. */
struct page *pin_buffer(uint64_t phys, uint64_t length)
{
    pfn_t pfn = phys >> PAGE_SHIFT, last = (phys + length - 1) >> PAGE_SHIFT;

    if (pfn == last)
        return count(pfn);
    for (; pfn <= last; pfn++)
        (void)count(pfn);
    return NULL;
}

void unpin_buffer(uint64_t phys, uint64_t length)
{
    pfn_t last = (phys + length - 1) >> PAGE_SHIFT;

    for (pfn_t pfn = phys >> PAGE_SHIFT; pfn <= last; pfn++) {
        struct page *page = block_page(pfn);

        if (page)
            unpin_frame(page);
    }
}
