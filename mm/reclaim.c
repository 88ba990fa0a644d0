/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reclaimers: asked for memory before an allocation fails. One thread asks at a time; the
 * others wait for its result. What a reclaimer allocates itself never comes back here.
 */
#include "internal.h"
#include <neap/panic.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <neap/wait.h>

/* A reclaimer may wait for the host, so its users wait longer than any device timeout. */
#define RECLAIM_WAIT_NS (10 * NS_PER_S)

static struct {
    struct spinlock lock;
    struct reclaimer *first; /* in the order of asking; changes only by the owner */
    struct thread *owner;    /* under lock: asks the reclaimers now */
    struct waitqueue done;
} reclaim = {
    .lock = SPINLOCK_INIT("reclaim", LOCK_RANK_REPORTING),
    .done = WAITQUEUE_INIT(reclaim.done, "reclaim"),
};

static bool try_own(void *arg)
{
    irqflags_t flags = spin_lock(&reclaim.lock);
    bool mine = reclaim.owner == NULL;

    (void)arg;
    if (mine)
        reclaim.owner = thread_current();
    spin_unlock(&reclaim.lock, flags);
    return mine;
}

static void disown(void)
{
    irqflags_t flags = spin_lock(&reclaim.lock);

    reclaim.owner = NULL;
    spin_unlock(&reclaim.lock, flags);
    wake_all(&reclaim.done);
}

void reclaimer_register(struct reclaimer *reclaimer)
{
    struct reclaimer **link = &reclaim.first;

    (void)wait_until(&reclaim.done, try_own, NULL, WAIT_FOREVER);
    while (*link && (*link)->order <= reclaimer->order)
        link = &(*link)->next;
    reclaimer->next = *link;
    *link = reclaimer;
    disown();
}

void reclaimer_unregister(struct reclaimer *reclaimer)
{
    (void)wait_until(&reclaim.done, try_own, NULL, WAIT_FOREVER);
    for (struct reclaimer **link = &reclaim.first; *link; link = &(*link)->next) {
        if (*link == reclaimer) {
            *link = reclaimer->next;
            break;
        }
    }
    disown();
}

bool reclaim_pages(uint64_t pages)
{
    uint64_t freed = 0;

    /* Reclaimers take locks that come before mm's own. */
    if (mutex_is_mine(&mm_mutex))
        return false;
    if (!READ_ONCE(reclaim.first) || READ_ONCE(reclaim.owner) == thread_current())
        return false;
    if (wait_until(&reclaim.done, try_own, NULL, RECLAIM_WAIT_NS))
        return false;
    for (struct reclaimer *each = reclaim.first; each && freed < pages; each = each->next)
        freed += each->reclaim(each, pages - freed);
    disown();
    return freed > 0;
}
