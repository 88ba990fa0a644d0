/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins: memory that hardware or the host reads or writes and that therefore must not move, be
 * reported or be unplugged. Every frame has an exact count of the pins on it, which says
 * nothing about who owns the memory and survives splitting and joining of blocks.
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
 * PIN_RANGES_MAX pieces (pin less at once); for a long pin -ENOMEM: no memory that is not
 * elastic, or -EBUSY: another pin keeps the page in elastic memory. Nothing is pinned on error.
 * `owner` must outlive the pin. Thread context.
 */
int pin_pages(struct pin *pin, uintptr_t va, uint64_t size, unsigned flags, const char *owner);

/* Undo it. Waiting unplug requests go on. Any context. */
void unpin_pages(struct pin *pin);

/* Call fn for every pin under their lock (fn must not sleep). Any context. */
void pin_for_each(void (*fn)(const struct pin *, void *), void *arg);

/* The owner of a pin on the frames [start, end), both pfns; NULL: none. Any context. */
const char *pin_owner(uint64_t start, uint64_t end);

/* In pages, each counted once for every pin on it. */
struct pin_counts {
    uint64_t pages;      /* pinned now */
    uint64_t long_pages; /* of it: by long pins */
    uint64_t peak;       /* the most there ever were */
    uint64_t acquired;   /* ever; equal to `released` when nothing is pinned */
    uint64_t released;
};
void pin_counts_get(struct pin_counts *counts);

#endif
