/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins: exact counts in the frames, one for each pin and frame, and a record of every pin.
 *
 * A frame of the address space is counted under pgtable_lock while its entry maps it, and
 * space_evacuate() looks at the counts under the same lock: a page is either pinned or moved.
 */
#include "pin.h"
#include "space.h"
#include <neap/elastic.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <neap/thread.h>
#include <neap/timer.h>

/* A short pin of somebody else keeps a page from being moved for a long one. */
#define BUSY_ATTEMPTS 1000
#define BUSY_WAIT_NS  NS_PER_MS

uint64_t pins_recorded;

static void look_for_leaks(void *arg);

static struct {
    struct spinlock lock;
    struct list records; /* under lock, oldest first */
    struct timer leaks;
    bool watched;        /* under lock: that timer is set */
    uint64_t long_pages; /* under lock: frames, counted once for each pin */
    uint64_t peak;
    uint64_t acquired;
    uint64_t released;
} pins = {
    .lock = SPINLOCK_INIT("pins", LOCK_RANK_PIN),
    .records = LIST_INIT(pins.records),
    .leaks = {.fn = look_for_leaks},
};

static pfn_t first_pfn(const struct phys_range *range)
{
    return range->start >> PAGE_SHIFT;
}

static pfn_t end_pfn(const struct phys_range *range)
{
    return (range->end + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static uint64_t pin_frames(const struct pin *pin)
{
    uint64_t frames = 0;

    for (unsigned i = 0; i < pin->nr_ranges; i++)
        frames += end_pfn(&pin->ranges[i]) - first_pfn(&pin->ranges[i]);
    return frames;
}

/* The kernel's image has no frames: it never moves. */
static void count_frames(const struct phys_range *range, int change)
{
    for (pfn_t pfn = first_pfn(range); pfn < end_pfn(range); pfn++) {
        struct page *page = block_page(pfn);

        if (!page)
            continue;
        ASSERT(change > 0 || READ_ONCE(page->pins) > 0);
        __atomic_add_fetch(&page->pins, (uint32_t)change, __ATOMIC_ACQ_REL);
    }
}

/* Add a piece to the pin and count its frames. */
static int add_piece(struct pin *pin, uint64_t phys, uint64_t size)
{
    struct phys_range piece = {phys, phys + size}, *last = pin->ranges + pin->nr_ranges - 1;

    if (pin->nr_ranges && last->end == phys) {
        last->end = piece.end;
    } else if (pin->nr_ranges < PIN_RANGES_MAX) {
        pin->ranges[pin->nr_ranges++] = piece;
    } else {
        return -EMSGSIZE;
    }
    count_frames(&piece, 1);
    return 0;
}

static bool must_leave(const struct pin *pin, const struct page *page)
{
    return pin->long_term && page->flags & PAGE_ELASTIC;
}

static struct page *block_of(struct page *page)
{
    if (page->state != PAGE_TAIL)
        return page;
    return pfn_to_page(ALIGN_DOWN(page_to_pfn(page), LARGE_PAGES));
}

/* One piece in the address space. -EAGAIN: it moved out of elastic memory, look again. */
static int pin_space(struct pin *pin, uintptr_t va, uint64_t *size, unsigned access)
{
    uint64_t room;
    irqflags_t flags;
    struct page *page = space_block_hold(va, access, &room, &flags), *block;
    int error = -EAGAIN;

    if (!page)
        return -EFAULT;
    *size = MIN(*size, room);
    block = block_of(page);
    if (!must_leave(pin, page))
        error = add_piece(pin, page_to_phys(page) + va % PAGE_SIZE, *size);
    spin_unlock(&pgtable_lock, flags);
    return error == -EAGAIN ? space_leave_elastic(block) : error;
}

/* One piece of kernel memory, as wide as one large page at most: it is the caller's. */
static int pin_kernel(struct pin *pin, uintptr_t va, uint64_t *size, unsigned access)
{
    unsigned prot;
    uint64_t phys;

    if (!pgtable_lookup(&kernel_pgtable, va, &phys, NULL, &prot) ||
        (access & SPACE_WRITE && !(prot & PROT_KERNEL_RW)))
        return -EFAULT;
    *size = MIN(*size, PAGE_SIZE - va % PAGE_SIZE);
    return add_piece(pin, phys, *size);
}

static int pin_all(struct pin *pin, unsigned access)
{
    uint64_t done = 0;
    unsigned busy = 0;

    while (done < pin->size) {
        uintptr_t va = pin->va + done;
        uint64_t size = pin->size - done;
        int error = space_contains(va) ? pin_space(pin, va, &size, access)
                                       : pin_kernel(pin, va, &size, access);

        if (error == -EBUSY && busy++ < BUSY_ATTEMPTS) {
            thread_sleep_ns(BUSY_WAIT_NS);
            continue;
        }
        if (error && error != -EAGAIN)
            return error;
        done += error ? 0 : size;
    }
    return 0;
}

static void drop_frames(const struct pin *pin)
{
    for (unsigned i = 0; i < pin->nr_ranges; i++)
        count_frames(&pin->ranges[i], -1);
}

/* Look for leaks as soon as a short pin of that time is one. */
static void watch(uint64_t since_ns)
{
    if (!pins.watched)
        timer_set(&pins.leaks, since_ns + PIN_SHORT_NS + 1);
    pins.watched = true;
}

int pin_pages(struct pin *pin, uintptr_t va, uint64_t size, unsigned flags, const char *owner)
{
    uint64_t frames;
    irqflags_t irq;
    int error;

    if (!size || va + size < va)
        return -EFAULT;
    *pin = (struct pin){
        .owner = owner,
        .va = va,
        .size = size,
        .long_term = flags & PIN_LONG,
        .since_ns = clock_ns(),
    };
    list_init(&pin->link);
    error = pin_all(pin, flags & PIN_WRITE ? SPACE_WRITE : SPACE_READ);
    if (error) {
        drop_frames(pin);
        elastic_look_again();
        return error;
    }
    frames = pin_frames(pin);
    irq = spin_lock(&pins.lock);
    list_push_back(&pins.records, &pin->link);
    pins_recorded += frames;
    pins.acquired += frames;
    pins.long_pages += pin->long_term ? frames : 0;
    pins.peak = MAX(pins.peak, pins_recorded);
    if (!pin->long_term)
        watch(pin->since_ns);
    spin_unlock(&pins.lock, irq);
    return 0;
}

void unpin_pages(struct pin *pin)
{
    uint64_t frames = pin_frames(pin);
    irqflags_t irq = spin_lock(&pins.lock);

    ASSERT(!list_empty(&pin->link));
    list_remove(&pin->link);
    pins_recorded -= frames;
    pins.released += frames;
    pins.long_pages -= pin->long_term ? frames : 0;
    drop_frames(pin);
    spin_unlock(&pins.lock, irq);
    elastic_look_again();
}

void pin_for_each(void (*fn)(const struct pin *, void *), void *arg)
{
    irqflags_t flags = spin_lock(&pins.lock);
    struct list *pos;

    list_for_each (pos, &pins.records)
        fn(list_entry(pos, struct pin, link), arg);
    spin_unlock(&pins.lock, flags);
}

struct leaks {
    uint64_t now;
    bool ended;
    uint64_t found;
    uint64_t oldest_ns; /* of the short pins that are none yet; UINT64_MAX: there are none */
};

static void find_leak(struct pin *pin, struct leaks *leaks)
{
    bool old = leaks->now - pin->since_ns > PIN_SHORT_NS;

    if (!pin->long_term && !old)
        leaks->oldest_ns = MIN(leaks->oldest_ns, pin->since_ns);
    if (!(leaks->ended && space_contains(pin->va)) && (pin->long_term || !old))
        return;
    leaks->found++;
    if (pin->told)
        return;
    pin->told = true;
    log_warning("mm", "%s still pins %llu bytes at %#lx, for %llu ms: a leak", pin->owner,
                (unsigned long long)pin->size, (unsigned long)pin->va,
                (unsigned long long)((leaks->now - pin->since_ns) / NS_PER_MS));
}

/* Under pins.lock. */
static struct leaks find_leaks(bool ended)
{
    struct leaks leaks = {.now = clock_ns(), .ended = ended, .oldest_ns = UINT64_MAX};
    struct list *pos;

    list_for_each (pos, &pins.records)
        find_leak(list_entry(pos, struct pin, link), &leaks);
    return leaks;
}

uint64_t pin_leaks(bool ended)
{
    irqflags_t flags = spin_lock(&pins.lock);
    uint64_t found = find_leaks(ended).found;

    spin_unlock(&pins.lock, flags);
    return found;
}

/* Also while all threads sleep; but an idle guest that pins nothing is not woken for it. */
static void look_for_leaks(void *arg UNUSED)
{
    irqflags_t flags = spin_lock(&pins.lock);
    uint64_t oldest_ns = find_leaks(false).oldest_ns;

    pins.watched = false;
    if (oldest_ns != UINT64_MAX)
        watch(oldest_ns);
    spin_unlock(&pins.lock, flags);
}

struct search {
    pfn_t start, end;
    const char *owner;
};

static void compare(const struct pin *pin, void *arg)
{
    struct search *search = arg;

    for (unsigned i = 0; i < pin->nr_ranges && !search->owner; i++)
        if (first_pfn(&pin->ranges[i]) < search->end &&
            end_pfn(&pin->ranges[i]) > search->start)
            search->owner = pin->owner;
}

const char *pin_owner(uint64_t start, uint64_t end)
{
    struct search search = {start, end, NULL};

    pin_for_each(compare, &search);
    return search.owner ? search.owner : pin_source_owner(start, end);
}

void pin_counts_get(struct pin_counts *counts)
{
    irqflags_t flags = spin_lock(&pins.lock);

    *counts = (struct pin_counts){
        .pages = pins_recorded,
        .long_pages = pins.long_pages,
        .peak = pins.peak,
        .acquired = pins.acquired,
        .released = pins.released,
    };
    spin_unlock(&pins.lock, flags);
}

void pin_forbids_free(const struct page *page, unsigned order)
{
    pfn_t pfn = page_to_pfn(page);

    for (uint64_t i = 0; i < order_pages(order); i++) {
        const char *owner;

        if (!READ_ONCE(page[i].pins))
            continue;
        owner = pin_owner(pfn + i, pfn + i + 1);
        panic("free of %p, order %u: the page at %p is pinned by %s", page_to_virt(page), order,
              page_to_virt(page + i), owner ? owner : "somebody without a record");
    }
}
