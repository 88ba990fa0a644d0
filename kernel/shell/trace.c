/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace: the newest event records of all CPUs in the order of time.
 */
#include "commands.h"
#include <arch/barrier.h>
#include <neap/cpu.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/symbols.h>
#include <neap/timer.h>
#include <neap/trace.h>

#define DEFAULT_LINES 20

/* The records of one CPU that are still to be shown: [next, end). */
struct cursor {
    const struct trace_ring *ring;
    uint64_t next, end;
};

/* Copy record `n` unless the ring has overwritten it. */
static bool read_event(const struct trace_ring *ring, uint64_t n, struct trace_event *event)
{
    *event = ring->events[n % ring->capacity];
    barrier_read();
    return READ_ONCE(ring->count) - n < ring->capacity;
}

static unsigned open_cursors(struct cursor *cursors)
{
    unsigned open = 0;

    for (unsigned i = 0; i < cpu_count(); i++) {
        const struct trace_ring *ring = trace_ring_of(i);
        uint64_t count;

        if (ring == NULL)
            continue;
        count = READ_ONCE(ring->count);
        /* One less than the capacity: the oldest may be written this moment. */
        cursors[open++] = (struct cursor){
            ring, count > ring->capacity - 1 ? count - (ring->capacity - 1) : 0, count};
    }
    return open;
}

/* The cursor whose next record is the oldest of all, NULL when there is none. */
static struct cursor *oldest(struct cursor *cursors, unsigned nr, struct trace_event *event)
{
    struct cursor *best = NULL;

    for (unsigned i = 0; i < nr; i++) {
        struct trace_event candidate;

        while (cursors[i].next < cursors[i].end &&
               !read_event(cursors[i].ring, cursors[i].next, &candidate))
            cursors[i].next++;
        if (cursors[i].next == cursors[i].end)
            continue;
        if (best == NULL || candidate.begin_ns < event->begin_ns) {
            best = &cursors[i];
            *event = candidate;
        }
    }
    return best;
}

static void print_event(const struct trace_event *event)
{
    uintptr_t offset = 0;
    const char *function = symbol_lookup(event->pc, &offset);
    uint64_t us = event->begin_ns / NS_PER_US;

    kprintf("  %5llu.%06llu %3u %-9s %6llu %#18llx %8llu  ", (unsigned long long)(us / 1000000),
            (unsigned long long)(us % 1000000), event->cpu, trace_reason_name(event->reason),
            (unsigned long long)event->code, (unsigned long long)event->address,
            (unsigned long long)(event->end_ns - event->begin_ns));
    if (function)
        kprintf("%s+0x%lx\n", function, (unsigned long)offset);
    else
        kprintf("%#llx\n", (unsigned long long)event->pc);
}

/* The fields in the order of struct trace_event. */
static void print_machine(const struct trace_event *event)
{
    kprintf("begin_ns=0x%llx end_ns=0x%llx pc=0x%llx address=0x%llx code=0x%llx cpu=0x%x "
            "reason=0x%x\n",
            (unsigned long long)event->begin_ns, (unsigned long long)event->end_ns,
            (unsigned long long)event->pc, (unsigned long long)event->address,
            (unsigned long long)event->code, event->cpu, event->reason);
}

static int trace(int argc, char **argv)
{
    bool machine = shell_wants_machine(argc, argv);
    const char *word = shell_word(argc, argv, 0);
    uint64_t lines = machine ? UINT64_MAX : DEFAULT_LINES, total = 0;
    struct cursor cursors[MAX_CPUS], *cursor;
    struct trace_event event = {0};
    unsigned nr = open_cursors(cursors);

    if (word && shell_number(word, &lines) != 0)
        return -EINVAL;
    for (unsigned i = 0; i < nr; i++)
        total += cursors[i].end - cursors[i].next;
    if (!machine)
        kprintf("  %12s %3s %-9s %6s %18s %8s  %s\n", "seconds", "CPU", "event", "code",
                "address", "ns", "at");
    while ((cursor = oldest(cursors, nr, &event)) != NULL) {
        cursor->next++;
        if (total-- > lines)
            continue;
        if (machine)
            print_machine(&event);
        else
            print_event(&event);
    }
    return 0;
}
SHELL_COMMAND(trace, "trace [lines] [--machine]", "the newest traps, interrupts and kicks",
              trace);
