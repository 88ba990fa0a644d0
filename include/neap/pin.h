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
#include <neap/elastic.h>
#include <neap/list.h>
#include <neap/page.h>
#include <neap/panic.h>
#include <neap/timer.h>
#include <stdbool.h>
#include <stdint.h>

#define PIN_RANGES_MAX 16

/* One pinned range of addresses; the caller provides the room, pins fill it in. */
struct pin {
    const char *owner; /* shown to people */
    uintptr_t va;      /* first byte */
    uint64_t size;     /* bytes */
    bool long_term;
    bool told; /* named as a leak */
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

/* What a short pin never lasts: one that does is named in the log soon after, as a leak. */
#define PIN_SHORT_NS NS_PER_S

/*
 * Name in the log, each once, the pins whose owner should be gone: short ones that are old, and
 * with `ended` those on memory of the application, which has ended. Returns how many there are,
 * told before or not. Any context.
 */
uint64_t pin_leaks(bool ended);

/* In pages, each counted once for every pin on it. */
struct pin_counts {
    uint64_t pages;      /* pinned now */
    uint64_t long_pages; /* of it: by long pins */
    uint64_t peak;       /* the most there ever were */
    uint64_t acquired;   /* ever; equal to `released` when nothing is pinned */
    uint64_t released;
};
void pin_counts_get(struct pin_counts *counts);

/*
 * I/O buffers come and go too fast for records: their frames are counted, and whoever counts
 * so registers a source that knows by itself what it pinned.
 */
struct pin_source {
    const char *owner; /* shown to people */
    /*
     * How many of the frames [start, end) it pins, each counted once for every pin; a guess
     * while buffers come and go. Any context, spinlocks held.
     */
    uint64_t (*pages)(const struct pin_source *self, uint64_t start, uint64_t end);
    struct list link;
};
void pin_source_add(struct pin_source *source);
void pin_source_remove(struct pin_source *source);

/* Call fn for every source under their lock (fn must not sleep). Any context. */
void pin_source_for_each(void (*fn)(const struct pin_source *, void *), void *arg);

/*
 * Count the frames of a buffer that a device is about to reach, or can no longer reach. Memory
 * that can move must be pinned by pin_pages() for longer than that. `length` is not 0.
 * pin_buffer() returns the frame of a buffer inside a single one, else NULL. Any context.
 */
struct page *pin_buffer(uint64_t phys, uint64_t length);
void unpin_buffer(uint64_t phys, uint64_t length);

/* unpin_buffer() for a frame that pin_buffer() returned. */
static inline void unpin_frame(struct page *page)
{
    ASSERT(READ_ONCE(page->pins) > 0);
    if (!__atomic_sub_fetch(&page->pins, 1, __ATOMIC_ACQ_REL) && page->flags & PAGE_ELASTIC)
        elastic_look_again();
}

#endif
