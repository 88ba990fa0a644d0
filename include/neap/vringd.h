/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of a split ring: for devices that live inside the guest.
 *
 * Usage: vringd_pop() a chain, work on its pieces, vringd_push() it, vringd_wants_interrupt()
 * once for any number of pushes. One caller at a time. What the driver wrote is checked like
 * what a device writes is checked on the other side.
 */
#ifndef NEAP_VRINGD_H
#define NEAP_VRINGD_H

#include <neap/virtqueue.h>
#include <stdbool.h>
#include <stdint.h>

struct virtqueue_areas;
struct ring_descriptor;
struct ring_available;
struct ring_used;

struct vringd {
    unsigned size;
    struct ring_descriptor *descriptors;
    struct ring_available *available;
    struct ring_used *used;
    /* Where the ring memory and indirect tables are: an address for `bytes`, or NULL. */
    void *(*translate)(void *arg, uint64_t phys, uint64_t bytes);
    void *arg;
    bool event_index;
    uint16_t next_avail; /* entries popped */
    uint16_t next_used;  /* entries pushed, skipped ones included */
    uint16_t signalled;  /* next_used at the last vringd_wants_interrupt() */
};

/* One buffer of the driver: device-readable pieces first. */
#define VRINGD_PIECES_MAX 128
struct vringd_chain {
    uint16_t head;
    unsigned out;
    unsigned in;
    struct virtio_sg pieces[VRINGD_PIECES_MAX];
};

/* Attach to a ring. Returns 0; -EINVAL for a size or an area that makes no sense. */
int vringd_init(struct vringd *ring, unsigned size, const struct virtqueue_areas *areas,
                bool event_index, void *(*translate)(void *, uint64_t, uint64_t), void *arg);

/*
 * Take the next available buffer. Returns 1 with `chain` filled; 0: none, and the driver is
 * asked to kick for the next; -EIO when the driver's ring makes no sense.
 */
int vringd_pop(struct vringd *ring, struct vringd_chain *chain);

/*
 * Hand a buffer back with `length` bytes written. With IN_ORDER one call may stand for a batch
 * of `buffers` of which this is the last; else buffers is 1.
 */
void vringd_push(struct vringd *ring, uint16_t head, uint32_t length, unsigned buffers);

/* Does the driver want to hear of what was pushed since the last call? */
bool vringd_wants_interrupt(struct vringd *ring);

#endif
