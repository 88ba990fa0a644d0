/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pins: memory that must stay where it is, and who says so. `hold` and `drop` play a device
 * that does not give its buffer back, to see what then becomes of the memory around it.
 */
#include "commands.h"
#include <neap/alloc.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/kmalloc.h>
#include <neap/lock.h>
#include <neap/log.h>
#include <neap/pin.h>
#include <neap/timer.h>
#include <string.h>

#define SHOWN_MAX 64
#define OWNER_MAX 48

/* A queue, and what of its buffers the device has. */
struct user {
    char owner[OWNER_MAX];
    uint64_t pages;
};

/* Copies: records may go while the lines are printed. */
struct snapshot {
    struct pin pins[SHOWN_MAX];
    uint64_t found;
    struct user users[SHOWN_MAX];
    unsigned nr_users;
    uint64_t buffer_pages;
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
    return !pin->long_term && now - pin->since_ns > PIN_SHORT_NS;
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

/* I/O buffers have no records: what they pin is counted by its source. */
static void note_source(const struct pin_source *source, void *arg)
{
    struct snapshot *snapshot = arg;
    uint64_t pages = source->pages(source, 0, UINT64_MAX);
    struct user *user = &snapshot->users[snapshot->nr_users];

    snapshot->buffer_pages += pages;
    if (!pages || snapshot->nr_users == SHOWN_MAX)
        return;
    format_string(user->owner, sizeof(user->owner), "%s", source->owner);
    user->pages = pages;
    snapshot->nr_users++;
}

static void print_users(const struct snapshot *snapshot)
{
    char size[FORMAT_SIZE_MAX];

    for (unsigned i = 0; i < snapshot->nr_users; i++)
        kprintf("  %-39s %10s  buffers of a device\n", snapshot->users[i].owner,
                format_size(size, snapshot->users[i].pages * PAGE_SIZE));
}

static void print_machine(const struct snapshot *snapshot, const struct pin_counts *counts)
{
    uint64_t now = clock_ns(), suspects = 0;

    for (uint64_t i = 0; i < MIN(snapshot->found, (uint64_t)SHOWN_MAX); i++)
        suspects += suspicious(&snapshot->pins[i], now);
    kprintf("pins=%llu\npinned_bytes=%llu\nlong_bytes=%llu\npeak_bytes=%llu\n"
            "buffer_bytes=%llu\nacquired_pages=%llu\nreleased_pages=%llu\nsuspicious=%llu\n",
            (unsigned long long)snapshot->found,
            (unsigned long long)(counts->pages * PAGE_SIZE),
            (unsigned long long)(counts->long_pages * PAGE_SIZE),
            (unsigned long long)(counts->peak * PAGE_SIZE),
            (unsigned long long)(snapshot->buffer_pages * PAGE_SIZE),
            (unsigned long long)counts->acquired, (unsigned long long)counts->released,
            (unsigned long long)suspects);
}

/* What `hold` took. */
struct held {
    struct list link;
    struct pin pin;
};

static struct mutex lock = MUTEX_INIT(lock, "held pins", LOCK_RANK_SHELL);
static struct list helds = LIST_INIT(helds); /* under lock */

/* The first page: `thin` keeps it. */
static int hold(uint64_t id, bool long_term)
{
    unsigned flags = PIN_WRITE | (long_term ? PIN_LONG : PIN_SHORT);
    struct held *held = kcalloc(1, sizeof(*held), ALLOC_DEFAULT);
    uintptr_t va;
    int error;

    if (!held)
        return -ENOMEM;
    error = shell_holding_find(id, &va);
    if (!error)
        error = pin_pages(&held->pin, va, PAGE_SIZE, flags, "pins hold");
    if (error) {
        kfree(held);
        return error;
    }
    mutex_lock(&lock);
    list_push_back(&helds, &held->link);
    mutex_unlock(&lock);
    return 0;
}

static void drop(void)
{
    mutex_lock(&lock);
    while (!list_empty(&helds)) {
        struct held *held = list_entry(list_first(&helds), struct held, link);

        list_remove(&held->link);
        unpin_pages(&held->pin);
        kfree(held);
    }
    mutex_unlock(&lock);
}

static int show(bool machine)
{
    struct snapshot *snapshot = kcalloc(1, sizeof(*snapshot), ALLOC_DEFAULT);
    struct pin_counts counts;
    char now[FORMAT_SIZE_MAX], peak[FORMAT_SIZE_MAX];
    char buffers[FORMAT_SIZE_MAX];

    if (!snapshot)
        return -ENOMEM;
    pin_for_each(note, snapshot);
    pin_source_for_each(note_source, snapshot);
    pin_counts_get(&counts);
    if (machine) {
        print_machine(snapshot, &counts);
    } else {
        print_table(snapshot);
        print_users(snapshot);
        kprintf("%llu pins, %s, most ever %s; buffers of devices %s\n",
                (unsigned long long)snapshot->found, format_size(now, counts.pages * PAGE_SIZE),
                format_size(peak, counts.peak * PAGE_SIZE),
                format_size(buffers, snapshot->buffer_pages * PAGE_SIZE));
    }
    kfree(snapshot);
    return 0;
}

static int run_pins(int argc, char **argv)
{
    const char *what = shell_word(argc, argv, 0), *id_word = shell_word(argc, argv, 1),
               *kind = shell_word(argc, argv, 2);
    uint64_t id;

    if (argc == 2 && !strcmp(argv[1], "--leaks")) {
        kprintf("%llu leaks\n", (unsigned long long)pin_leaks(false));
        return 0;
    }
    if (!what)
        return show(shell_wants_machine(argc, argv));
    if (!strcmp(what, "drop") && !id_word) {
        drop();
        return 0;
    }
    if (strcmp(what, "hold") != 0 || !id_word || shell_number(id_word, &id) ||
        (kind && strcmp(kind, "long") != 0))
        return -EINVAL;
    return hold(id, kind != NULL);
}
SHELL_COMMAND(pins, "pins [--machine | --leaks | hold <id> [long] | drop]",
              "memory that must not move, and who pinned it; pin a page of an `alloc`",
              run_pins);
