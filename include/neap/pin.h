/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins: memory that hardware or the host reads or writes and that therefore must not move, be
 * reported or be unplugged. A pin count of a frame block is exact and says nothing about who
 * owns the memory.
 *
 * A short pin makes a move wait; what takes as long as its owner pleases is a long pin, which
 * first moves the page out of elastic memory. Every pin has a record with its owner's name, for
 * `pins`, for refusals and for the leak check.
 */
#ifndef NEAP_PIN_H
#define NEAP_PIN_H

#include <arch/boot.h>
#include <neap/list.h>
#include <stdbool.h>
#include <stdint.h>

#define PIN_RANGES_MAX 16

/* One pinned range of addresses; the caller provides the room, pins fill it in. */
struct pin {
    const char *owner; /* shown to people */
    uintptr_t va;      /* first byte */
    uint64_t size;     /* bytes */
    bool long_term;
    uint64_t since_ns;
    struct phys_range
        ranges[PIN_RANGES_MAX]; /* where it is, in order; bytes, as exact as va and size */
    unsigned nr_ranges;
    struct list link;
};

enum pin_flags {
    PIN_SHORT = 0,
    PIN_LONG = 1u << 0,  /* stays: move it out of elastic memory first */
    PIN_WRITE = 1u << 1, /* the device writes: fill in what was never touched, writable only */
};

/*
 * Pin `size` bytes at `va`, in the address space or in kernel memory, and fill in `pin`.
 * Returns 0; -EFAULT: not committed, or not with this protection; -EMSGSIZE: more than
 * PIN_RANGES_MAX pieces (pin less at once); -ENOMEM. Nothing is pinned on error. Thread
 * context.
 */
int pin_pages(struct pin *pin, uintptr_t va, uint64_t size, unsigned flags, const char *owner);

/* Undo it. Waiting unplug requests go on. Any context. */
void unpin_pages(struct pin *pin);

/* Call fn for every pin under their lock (fn must not sleep). Any context. */
void pin_for_each(void (*fn)(const struct pin *, void *), void *arg);

/* The owner of a pin on the frames [start, end), both pfns; NULL: none. Any context. */
const char *pin_owner(uint64_t start, uint64_t end);

/* Pages pinned now, long pins among them, and the most there ever were. Any context. */
void pin_counts_get(uint64_t *pages, uint64_t *long_pages, uint64_t *peak);

#endif
