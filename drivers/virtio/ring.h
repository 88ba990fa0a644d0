/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of a ring: what the split and the packed format share.
 *
 * The device can write to all ring memory, so nothing is ever decided by what is read back from
 * it except which buffers were used, and that is checked against `slots`, our own record of
 * what is in flight. A split ring has a slot for each descriptor; in a packed one a slot's
 * number is the buffer id, and a buffer takes as many slots as descriptors.
 */
#ifndef VIRTIO_RING_H
#define VIRTIO_RING_H

#include "internal.h"
#include "ring_layout.h"
#include <neap/errors.h>
#include <neap/page.h>
#include <neap/pin.h>

#define NO_TABLE  UINT16_MAX
#define OWNER_MAX 48

/* Our record of one descriptor, and of the buffer that it begins. */
struct ring_slot {
    void *token;            /* of the buffer in flight that begins here, else NULL */
    uint32_t in_length;     /* its device-writable bytes */
    uint16_t count;         /* its descriptors in the ring */
    uint16_t pinned;        /* its first pieces that are pinned */
    uint16_t table;         /* its indirect table, or NO_TABLE */
    uint16_t next;          /* free list, and chain */
    struct page *frame;     /* all of a buffer of one piece, if it is in one frame, else NULL */
    struct virtio_sg piece; /* where the descriptor points at, unless that is a table or a frame
                             */
};

struct ring {
    struct virtqueue queue;
    union {
        struct {
            struct ring_descriptor *descriptors;
            struct ring_available *available;
            struct ring_used *used;
        } split;
        struct {
            struct packed_descriptor *descriptors;
            uint32_t *driver_event, *device_event;
        } packed;
    };
    struct page *memory;
    unsigned order;

    uint16_t free_head;  /* slot */
    unsigned nr_free;    /* descriptors */
    unsigned nr_buffers; /* in flight */
    unsigned nr_added;   /* since the last kick: buffers (split), descriptors (packed) */
    uint16_t next_avail; /* split: the index published last; packed: place and wrap counter */
    uint16_t last_used;  /* the same of what was taken */
    bool event_index;
    bool in_order;
    bool callbacks; /* wanted */

    /* IN_ORDER: one used entry may stand for a batch, which ends with batch_length. */
    uint16_t oldest;       /* first slot of the oldest buffer in flight */
    unsigned batch_left;   /* buffers of the batch not taken yet */
    uint32_t batch_length; /* what the device wrote into the last of them */

    /* Indirect tables of table_entries each, or NULL: descriptors of either format. */
    struct ring_descriptor *tables;
    unsigned table_entries;
    unsigned nr_free_tables;
    uint16_t *free_tables;
    struct virtio_sg *table_pieces; /* where the tables' entries point at */

    struct pin_source pins;
    char owner[OWNER_MAX]; /* of its pins */
    bool gives_memory;

    struct ring_slot slots[];
};

static inline struct ring *to_ring(const struct virtqueue *queue)
{
    return container_of((struct virtqueue *)(uintptr_t)queue, struct ring, queue);
}

/* ---- offering buffers (ring_claim.c) ---- */

/*
 * Take slots, and a table if one fits, for a buffer of several pieces, record and pin it.
 * Returns the first slot, or the error of virtqueue_add() with nothing changed.
 */
int ring_claim(struct ring *ring, const struct virtio_sg *sg, unsigned out, unsigned pieces,
               void *token);

/* The memory of a claimed buffer's table. */
static inline void *ring_table(const struct ring *ring, uint16_t head)
{
    return ring->tables + ring->slots[head].table * ring->table_entries;
}

/* What nearly all buffers are: one piece in a single frame. Like ring_claim(). */
static inline __attribute__((always_inline)) int
ring_claim_one(struct ring *ring, const struct virtio_sg *sg, bool in, void *token)
{
    const uint16_t head = ring->free_head;
    struct ring_slot *slot = &ring->slots[head];

    if (!token || !sg->length)
        return -EINVAL;
    if (!ring->nr_free)
        return -ENOSPC;
    ring->free_head = slot->next;
    ring->nr_free--;
    ring->nr_buffers++;
    slot->count = 1;
    slot->token = token;
    slot->in_length = in ? sg->length : 0;
    slot->pinned = !(in && ring->gives_memory);
    slot->frame = slot->pinned ? pin_buffer(sg->phys, sg->length) : NULL;
    if (__builtin_expect(!slot->frame, 0))
        slot->piece = *sg;
    return head;
}

/* ---- taking them back (ring_release.c) ---- */

/* Unpin a buffer of several pieces or frames and return its table. Gives its last slot. */
struct ring_slot *ring_release_pieces(struct ring *ring, struct ring_slot *slot);

/* Return a buffer's slots; gives its token. */
static inline __attribute__((always_inline)) void *ring_release(struct ring *ring,
                                                                unsigned head)
{
    struct ring_slot *slot = &ring->slots[head], *tail = slot;
    void *token = slot->token;

    if (__builtin_expect(slot->frame != NULL, 1))
        unpin_frame(slot->frame);
    else
        tail = ring_release_pieces(ring, slot);
    ring->nr_free += slot->count;
    ring->nr_buffers--;
    slot->token = NULL;
    if (ring->in_order) {
        /* Freed in the order of use, the free part stays one run of the ring. */
        ring->oldest = tail->next;
    } else {
        tail->next = ring->free_head;
        ring->free_head = (uint16_t)head;
    }
    return token;
}

/* Is this what the device may say about a buffer? If not, the queue is broken. */
static inline __attribute__((always_inline)) bool ring_may_use(struct ring *ring, uint32_t id,
                                                               uint32_t length)
{
    if (id >= ring->queue.size || !ring->slots[id].token)
        virtqueue_bad(&ring->queue, "used entry names no buffer in flight: id", id);
    else if (length > ring->slots[id].in_length)
        virtqueue_bad(&ring->queue, "used length beyond the buffer:", length);
    else
        return true;
    return false;
}

/* IN_ORDER: how many buffers from the oldest in flight up to the one at `head`, inclusive. */
unsigned ring_batch_size(const struct ring *ring, unsigned head);

/* IN_ORDER: the next buffer of a batch; every one but the last was used completely. */
static inline uint16_t ring_batch_next(struct ring *ring, uint32_t *length)
{
    *length = --ring->batch_left ? ring->slots[ring->oldest].in_length : ring->batch_length;
    return ring->oldest;
}

/* ---- what buffers in flight pin (ring_pin.c) ---- */

void ring_unpin(struct ring *ring, const struct ring_slot *slot);
uint64_t ring_pinned_pages(const struct pin_source *source, uint64_t start, uint64_t end);

/* ---- the formats ---- */

int split_add(struct virtqueue *queue, const struct virtio_sg *sg, unsigned out, unsigned in,
              void *token);
bool split_kick_needed(struct virtqueue *queue);
void *split_take(struct virtqueue *queue, uint32_t *length);
unsigned split_take_many(struct virtqueue *queue, void **tokens, unsigned max);
bool split_has_used(const struct virtqueue *queue);
bool split_enable_callback(struct virtqueue *queue);
void split_disable_callback(struct virtqueue *queue);
int split_resume_at(const struct virtqueue *queue, uint16_t fetched, uint16_t *position);

int packed_add(struct virtqueue *queue, const struct virtio_sg *sg, unsigned out, unsigned in,
               void *token);
bool packed_kick_needed(struct virtqueue *queue);
void *packed_take(struct virtqueue *queue, uint32_t *length);
unsigned packed_take_many(struct virtqueue *queue, void **tokens, unsigned max);
bool packed_has_used(const struct virtqueue *queue);
bool packed_enable_callback(struct virtqueue *queue);
void packed_disable_callback(struct virtqueue *queue);

#endif
