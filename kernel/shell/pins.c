/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pins: memory that must stay where it is, and who says so.
 */
#include "commands.h"
#include <neap/alloc.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/kmalloc.h>
#include <neap/log.h>
#include <neap/pin.h>
#include <neap/timer.h>

#define SHOWN_MAX 64

/* What takes longer should have been a long pin. */
#define SHORT_NS NS_PER_S

/* Copies: records may go while the lines are printed. */
struct snapshot {
    struct pin pins[SHOWN_MAX];
    uint64_t found;
};

static void note(const struct pin *pin, void *arg)
{
    struct snapshot *snapshot = arg;

    if (snapshot->found < SHOWN_MAX)
        snapshot->pins[snapshot->found] = *pin;
    snapshot->found++;
}

static bool suspicious(const struct pin *pin, uint64_t now)
{
    return !pin->long_term && now - pin->since_ns > SHORT_NS;
}

static void print_table(const struct snapshot *snapshot)
{
    uint64_t now = clock_ns();
    char size[FORMAT_SIZE_MAX];

    kprintf("  %-20s %-18s %10s  %-5s %10s\n", "owner", "address", "size", "kind", "age (ms)");
    for (uint64_t i = 0; i < MIN(snapshot->found, (uint64_t)SHOWN_MAX); i++) {
        const struct pin *pin = &snapshot->pins[i];

        kprintf("  %-20s %#-18llx %10s  %-5s %10llu%s\n", pin->owner,
                (unsigned long long)pin->va, format_size(size, pin->size),
                pin->long_term ? "long" : "short",
                (unsigned long long)((now - pin->since_ns) / NS_PER_MS),
                suspicious(pin, now) ? "  suspicious: short, but old" : "");
    }
    if (snapshot->found > SHOWN_MAX)
        kprintf("  and %llu more\n", (unsigned long long)(snapshot->found - SHOWN_MAX));
}

static void print_machine(const struct snapshot *snapshot, const struct pin_counts *counts)
{
    uint64_t now = clock_ns(), suspects = 0;

    for (uint64_t i = 0; i < MIN(snapshot->found, (uint64_t)SHOWN_MAX); i++)
        suspects += suspicious(&snapshot->pins[i], now);
    kprintf(
        "pins=%llu\npinned_bytes=%llu\nlong_bytes=%llu\npeak_bytes=%llu\n"
        "acquired_pages=%llu\nreleased_pages=%llu\nsuspicious=%llu\n",
        (unsigned long long)snapshot->found, (unsigned long long)(counts->pages * PAGE_SIZE),
        (unsigned long long)(counts->long_pages * PAGE_SIZE),
        (unsigned long long)(counts->peak * PAGE_SIZE), (unsigned long long)counts->acquired,
        (unsigned long long)counts->released, (unsigned long long)suspects);
}

static int run_pins(int argc, char **argv)
{
    struct snapshot *snapshot = kcalloc(1, sizeof(*snapshot), ALLOC_DEFAULT);
    struct pin_counts counts;
    char now[FORMAT_SIZE_MAX], peak[FORMAT_SIZE_MAX];

    if (!snapshot)
        return -ENOMEM;
    pin_for_each(note, snapshot);
    pin_counts_get(&counts);
    if (shell_wants_machine(argc, argv)) {
        print_machine(snapshot, &counts);
    } else {
        print_table(snapshot);
        kprintf("%llu pins, %s, most ever %s\n", (unsigned long long)snapshot->found,
                format_size(now, counts.pages * PAGE_SIZE),
                format_size(peak, counts.peak * PAGE_SIZE));
    }
    kfree(snapshot);
    return 0;
}
SHELL_COMMAND(pins, "pins [--machine]", "memory that must not move, and who pinned it",
              run_pins);
