/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that mimalloc has given up goes back to the page allocator a moment later: what is
 * freed and allocated again at once would cost zeroing and cross calls to every CPU otherwise.
 *
 * Large ranges go at once, and so does everything when much waits or when memory is short. A
 * timer makes sure that nothing waits longer, whatever the application does next.
 */
#include "internal.h"
#include <neap/compiler.h>
#include <neap/space.h>
#include <neap/timer.h>
#include <neap/work.h>
#include <sys/lock.h>

#define DELAY_NS    (10 * NS_PER_MS)
#define RANGES_MAX  32
#define WAITING_MAX (4 * MIB)

struct range {
    uintptr_t start, end;
};

/* Under the lock that newlib has for malloc(): it may sleep. */
static struct {
    struct range ranges[RANGES_MAX]; /* committed, but not to mimalloc; apart from each other */
    unsigned count;
    uint64_t bytes;
    bool armed;
    struct timer timer;
    struct work work;
} waiting;

static void lock(void)
{
    __retarget_lock_acquire_recursive(&__lock___malloc_recursive_mutex);
}

static void unlock(void)
{
    __retarget_lock_release_recursive(&__lock___malloc_recursive_mutex);
}

static void give_back(uintptr_t start, uintptr_t end)
{
    if (start < end && space_decommit(start, end - start))
        __atomic_store_n(&malloc_kept_memory, true, __ATOMIC_RELAXED);
}

static void remove_range(unsigned i)
{
    waiting.bytes -= waiting.ranges[i].end - waiting.ranges[i].start;
    waiting.ranges[i] = waiting.ranges[--waiting.count];
}

bool purge_now(void)
{
    bool any;

    lock();
    any = waiting.count > 0;
    while (waiting.count > 0) {
        struct range range = waiting.ranges[0];

        remove_range(0);
        give_back(range.start, range.end);
    }
    unlock();
    return any;
}

static void purge_work(struct work *work UNUSED)
{
    lock();
    waiting.armed = false;
    unlock();
    purge_now();
}

static void purge_timer(void *arg UNUSED)
{
    work_queue(&system_work, &waiting.work);
}

void purge_init(void)
{
    work_init(&waiting.work, purge_work);
    timer_init(&waiting.timer, purge_timer, NULL);
}

/* Make one of a new range and those that touch it. */
static void add_range(uintptr_t start, uintptr_t end)
{
    for (unsigned i = waiting.count; i-- > 0;) {
        struct range range = waiting.ranges[i];

        if (range.end != start && range.start != end)
            continue;
        start = MIN(start, range.start);
        end = MAX(end, range.end);
        remove_range(i);
    }
    waiting.ranges[waiting.count++] = (struct range){start, end};
    waiting.bytes += end - start;
}

void purge_later(uintptr_t start, uintptr_t end)
{
    if (end - start >= PURGE_LARGE) {
        give_back(start, end);
        return;
    }
    lock();
    if (waiting.count == RANGES_MAX || waiting.bytes + (end - start) > WAITING_MAX)
        purge_now();
    add_range(start, end);
    if (!waiting.armed) {
        waiting.armed = true;
        timer_set(&waiting.timer, clock_ns() + DELAY_NS);
    }
    unlock();
}

void purge_forget(uintptr_t start, uintptr_t end, bool keep)
{
    lock();
    for (unsigned i = waiting.count; i-- > 0;) {
        struct range range = waiting.ranges[i];
        uintptr_t from = MAX(start, range.start), to = MIN(end, range.end);

        if (from >= to)
            continue;
        remove_range(i);
        if (!keep)
            give_back(from, to);
        if (range.start < from)
            add_range(range.start, from);
        if (to < range.end && waiting.count < RANGES_MAX)
            add_range(to, range.end);
        else
            give_back(to, range.end);
    }
    unlock();
}
