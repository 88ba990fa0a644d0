/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of a ring, split or packed: for devices that live inside the guest.
 *
 * Usage: vringd_pop() a chain, work on its pieces, vringd_push() it, vringd_wants_interrupt()
 * once for any number of pushes. One caller at a time. What the driver wrote is checked like
 * what a device writes is checked on the other side; each descriptor is read once.
 */
#ifndef NEAP_VRINGD_H
#define NEAP_VRINGD_H

#include <neap/virtqueue.h>
#include <stdbool.h>
#include <stdint.h>

struct virtio_features;
struct virtqueue_areas;
struct vringd_format;

struct vringd {
    const struct vringd_format *format;
    unsigned size;
    void *descriptors, *driver, *device; /* the areas */
    /* Where the ring memory and indirect tables are: an address for `bytes`, or NULL. */
    void *(*translate)(void *arg, uint64_t phys, uint64_t bytes);
    void *arg;
    bool event_index;
    unsigned in_flight;  /* buffers popped and not given back */
    uint16_t next_avail; /* split: a free-running index; packed: place and wrap counter */
    uint16_t next_used;
    unsigned moved;           /* how far next_used went since vringd_wants_interrupt() */
    unsigned skipped;         /* how far the next push goes on its own account */
    unsigned skipped_buffers; /* that it stands for, too */
};

/* One buffer of the driver: device-readable pieces first. */
#define VRINGD_PIECES_MAX 128
struct vringd_chain {
    uint32_t head; /* what vringd_push() wants to know; the low half is the driver's id */
    unsigned out;
    unsigned in;
    struct virtio_sg pieces[VRINGD_PIECES_MAX];
};

/*
 * Attach to a ring of the format that `features` were negotiated for. Returns 0; -EINVAL for a
 * size or an area that makes no sense.
 */
int vringd_init(struct vringd *ring, unsigned size, const struct virtqueue_areas *areas,
                const struct virtio_features *features,
                void *(*translate)(void *, uint64_t, uint64_t), void *arg);

/*
 * Take the next available buffer. Returns 1 with `chain` filled; 0: none, and the driver is
 * asked to kick for the next; -EIO when the driver's ring makes no sense.
 */
int vringd_pop(struct vringd *ring, struct vringd_chain *chain);

/* Hand a buffer back with `length` bytes written. */
void vringd_push(struct vringd *ring, uint32_t head, uint32_t length);

/*
 * IN_ORDER: hand a buffer back, used completely, together with the next one that is pushed,
 * which is also the next in order.
 */
void vringd_skip(struct vringd *ring, uint32_t head);

/* Does the driver want to hear of what was pushed since the last call? */
bool vringd_wants_interrupt(struct vringd *ring);

#endif
