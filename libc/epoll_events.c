/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of watched files: which are ready, and waiting for it.
 */
#include "epoll_set.h"
#include <errno.h>
#include <limits.h>
#include <neap/compiler.h>
#include <neap/timer.h>
#include <string.h>

#define BATCH 16 /* events on the stack: the caller's array may not be touched under a lock */

/* Under the set's lock. */
static void put_last(struct epoll_item *item)
{
    list_push_back(&item->set->ready, &item->ready_link);
    item->set->nr_ready++;
    item->is_ready = true;
}

void epoll_not_ready(struct epoll_item *item)
{
    if (!item->is_ready)
        return;
    list_remove(&item->ready_link);
    item->set->nr_ready--;
    item->is_ready = false;
}

void epoll_notify(struct file_watch *watch, unsigned events)
{
    struct epoll_item *item = (struct epoll_item *)watch;
    struct epoll_set *set = item->set;
    irqflags_t flags = spin_lock(&set->file.lock);
    bool wanted = (events & item->mask) != 0;

    if (wanted && !item->is_ready)
        put_last(item);
    spin_unlock(&set->file.lock, flags);
    if (wanted)
        file_set_events(&set->file, POLLIN | POLLRDNORM);
}

/* Look at up to *left ready items; returns how many have something to report. */
static unsigned collect(struct epoll_set *set, struct epoll_event *events, unsigned max,
                        unsigned *left)
{
    irqflags_t flags = spin_lock(&set->file.lock);
    unsigned count = 0;

    *left = MIN(*left, set->nr_ready);
    for (; *left > 0 && count < max; (*left)--) {
        struct epoll_item *item =
            list_entry(list_first(&set->ready), struct epoll_item, ready_link);
        unsigned now = file_events(item->file) & item->mask;

        epoll_not_ready(item);
        if (!now)
            continue;
        events[count++] = (struct epoll_event){.events = now, .data = item->data};
        if (item->events & EPOLLONESHOT)
            item->mask = 0;
        else if (!(item->events & EPOLLET))
            put_last(item); /* until a look finds it quiet */
    }
    if (set->nr_ready == 0 && !set->closed)
        __atomic_store_n(&set->file.events, 0, __ATOMIC_RELEASE);
    spin_unlock(&set->file.lock, flags);
    return count;
}

static int collect_all(struct epoll_set *set, struct epoll_event *events, unsigned max)
{
    unsigned count = 0, left = UINT_MAX, part;
    struct epoll_event some[BATCH];

    do {
        part = collect(set, some, MIN(max - count, BATCH), &left);
        memcpy(events + count, some, part * sizeof(*some));
        count += part;
    } while (part == BATCH && count < max);
    return (int)count;
}

int epoll_wait_for(struct epoll_set *set, struct epoll_event *events, unsigned max,
                   uint64_t timeout_ns)
{
    uint64_t start = clock_ns();

    for (;;) {
        int count = collect_all(set, events, max);
        uint64_t passed;

        if (count > 0)
            return count;
        if (READ_ONCE(set->closed))
            return -EBADF;
        passed = timeout_ns == WAIT_FOREVER ? 0 : clock_ns() - start;
        if (passed >= timeout_ns)
            return 0;
        (void)file_wait(&set->file, POLLIN,
                        timeout_ns == WAIT_FOREVER ? WAIT_FOREVER : timeout_ns - passed);
    }
}
