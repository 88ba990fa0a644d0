/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling the drivers of elastic memory that it is worth looking again: memory became free, a
 * pin was dropped, or memory is short.
 *
 * Nothing is told unless somebody waits for it: one word under buddy.lock says how much free
 * memory is waited for.
 */
#include "notify.h"
#include <arch/barrier.h>
#include <neap/timer.h>

/* Allocations fail in crowds. */
#define SHORTAGE_INTERVAL_NS (100 * NS_PER_MS)

static struct spinlock notify_lock = SPINLOCK_INIT("elastic regions", LOCK_RANK_REPORTING);
struct list elastic_regions = LIST_INIT(elastic_regions);
static bool waiting; /* a take was refused: under notify_lock */

void notify_add(struct elastic_region *region)
{
    irqflags_t flags = spin_lock(&notify_lock);

    list_push_back(&elastic_regions, &region->link);
    spin_unlock(&notify_lock, flags);
}

void notify_remove(struct elastic_region *region)
{
    irqflags_t flags = spin_lock(&notify_lock);

    list_remove(&region->link);
    spin_unlock(&notify_lock, flags);
}

static void tell(void)
{
    irqflags_t flags = spin_lock(&notify_lock);
    struct list *link;

    list_for_each (link, &elastic_regions) {
        struct elastic_region *region = list_entry(link, struct elastic_region, link);

        region->changed(region);
    }
    waiting = false;
    spin_unlock(&notify_lock, flags);
}

void elastic_note_free(void)
{
    buddy.wanted_free = UINT64_MAX;
    tell();
}

void notify_expect(void)
{
    WRITE_ONCE(waiting, true);
    barrier_full();
}

void notify_when_free(uint64_t pages)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    buddy.wanted_free = MIN(buddy.wanted_free, pages);
    if (buddy.pages[WARM] + buddy.pages[REPORTED] >= pages)
        elastic_note_free();
    spin_unlock(&buddy.lock, flags);
}

void elastic_look_again(void)
{
    if (READ_ONCE(waiting))
        tell();
}

/* Not for what adding and removing memory needs itself: that would go on for ever. */
void elastic_note_shortage(void)
{
    static uint64_t next_ns;
    uint64_t now;

    if (list_empty(&elastic_regions) || mutex_is_mine(&mm_mutex))
        return;
    now = clock_ns();
    if (now >= __atomic_load_n(&next_ns, __ATOMIC_RELAXED)) {
        __atomic_store_n(&next_ns, now + SHORTAGE_INTERVAL_NS, __ATOMIC_RELAXED);
        tell();
    }
}
