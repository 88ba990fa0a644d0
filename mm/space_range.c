/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reserved addresses: records sorted by address, first fit. Neighbours stay records of their
 * own, so that a range never reaches across reservations.
 */
#include "space.h"
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/panic.h>

struct range {
    struct list link;
    uintptr_t start;
    uintptr_t end;
};

static struct {
    struct spinlock lock;
    struct list ranges;  /* under lock */
    uint64_t bytes;      /* under lock */
    struct range *found; /* under lock: found last, NULL: none */
} space = {
    .lock = SPINLOCK_INIT("address space", LOCK_RANK_SPACE),
    .ranges = LIST_INIT(space.ranges),
};

static bool valid(uintptr_t va, uint64_t size)
{
    return size > 0 && IS_ALIGNED(va | size, PAGE_SIZE) && space_contains(va) &&
           size <= HEAP_SIZE - (va - HEAP_BASE);
}

/* Insert `range` in front of `next`, the first record above it. */
static void insert(struct range *range, struct list *next)
{
    list_insert_before(next, &range->link);
    space.bytes += range->end - range->start;
}

/* The lowest gap that fits; false: there is none. */
static bool find_gap(uint64_t size, uint64_t align, uintptr_t *va, struct list **next)
{
    uintptr_t at = ALIGN_UP(HEAP_BASE, align), end = HEAP_BASE + HEAP_SIZE;
    struct list *pos;

    list_for_each (pos, &space.ranges) {
        const struct range *range = list_entry(pos, struct range, link);

        if (at <= range->start && range->start - at >= size)
            break;
        at = MAX(at, ALIGN_UP(range->end, align));
    }
    *va = at;
    *next = pos;
    return pos != &space.ranges || (at < end && end - at >= size);
}

uintptr_t space_reserve(uint64_t size, uint64_t align)
{
    struct range *range;
    struct list *next;
    irqflags_t flags;
    bool found;

    ASSERT(align >= PAGE_SIZE && (align & (align - 1)) == 0);
    if (!valid(HEAP_BASE, size) || align > HEAP_SIZE)
        return 0;
    range = kmalloc(sizeof(*range), ALLOC_DEFAULT);
    if (!range)
        return 0;
    flags = spin_lock(&space.lock);
    found = find_gap(size, align, &range->start, &next);
    if (found) {
        range->end = range->start + size;
        insert(range, next);
    }
    spin_unlock(&space.lock, flags);
    if (found)
        return range->start;
    kfree(range);
    return 0;
}

int space_reserve_at(uintptr_t va, uint64_t size)
{
    struct range *range;
    struct list *pos;
    irqflags_t flags;
    bool taken = false;

    if (!valid(va, size))
        return -EINVAL;
    range = kmalloc(sizeof(*range), ALLOC_DEFAULT);
    if (!range)
        return -ENOMEM;
    range->start = va;
    range->end = va + size;
    flags = spin_lock(&space.lock);
    list_for_each (pos, &space.ranges) {
        const struct range *other = list_entry(pos, struct range, link);

        taken = taken || (other->start < range->end && va < other->end);
        if (other->start >= va)
            break;
    }
    if (!taken)
        insert(range, pos);
    spin_unlock(&space.lock, flags);
    if (taken)
        kfree(range);
    return taken ? -EEXIST : 0;
}

static bool covers(const struct range *range, uintptr_t va, uint64_t size)
{
    return range && va >= range->start && va < range->end && size <= range->end - va;
}

/* The record that holds the whole range; NULL: none. Under the lock. */
static struct range *find(uintptr_t va, uint64_t size)
{
    struct list *pos;

    if (covers(space.found, va, size))
        return space.found;
    list_for_each (pos, &space.ranges) {
        struct range *range = list_entry(pos, struct range, link);

        if (covers(range, va, size)) {
            space.found = range;
            return range;
        }
    }
    return NULL;
}

bool space_reserved(uintptr_t va, uint64_t size)
{
    irqflags_t flags;
    bool found;

    if (!valid(va, size))
        return false;
    flags = spin_lock(&space.lock);
    found = find(va, size) != NULL;
    spin_unlock(&space.lock, flags);
    return found;
}

uint64_t space_reserved_bytes(void)
{
    return READ_ONCE(space.bytes);
}

/*
 * Take [va, end) out of its record; `spare` becomes the record of what lies above. Returns the
 * record that is left over. What another thread released meanwhile, and perhaps reserved anew,
 * is left alone.
 */
static struct range *cut(uintptr_t va, uintptr_t end, struct range *spare)
{
    struct range *range = find(va, end - va);
    bool inside = range && range->start < va && end < range->end;

    if (!range || (inside && !spare))
        return spare;
    space.bytes -= end - va;
    if (inside) {
        spare->start = end;
        spare->end = range->end;
        range->end = va;
        list_insert_before(range->link.next, &spare->link);
        return NULL;
    }
    if (range->start == va && range->end == end) {
        list_remove(&range->link);
        space.found = NULL;
        kfree(range);
    } else if (range->start == va) {
        range->start = end;
    } else {
        range->end = va;
    }
    return spare;
}

/* Is the range reserved, and does it lie inside its record on both sides? */
static bool look_inside(uintptr_t va, uint64_t size, bool *inside)
{
    irqflags_t flags = spin_lock(&space.lock);
    const struct range *range = valid(va, size) ? find(va, size) : NULL;

    *inside = range && range->start < va && va + size < range->end;
    spin_unlock(&space.lock, flags);
    return range != NULL;
}

int space_release(uintptr_t va, uint64_t size)
{
    struct range *spare = NULL;
    irqflags_t flags;
    bool inside;
    int error;

    if (!look_inside(va, size, &inside))
        return -EINVAL;
    /* Giving a whole reservation back needs no memory. */
    if (inside) {
        spare = kmalloc(sizeof(*spare), ALLOC_DEFAULT);
        if (!spare)
            return -ENOMEM;
    }
    error = space_decommit(va, size);
    if (!error) {
        flags = spin_lock(&space.lock);
        spare = cut(va, va + size, spare);
        spin_unlock(&space.lock, flags);
    }
    kfree(spare);
    return error;
}
