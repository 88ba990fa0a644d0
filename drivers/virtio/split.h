/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of a split ring: what split*.c share.
 *
 * The device can write to all ring memory, so nothing is ever decided by what is read back from
 * it except the used index and the used entries, and those are checked against `slots`, our own
 * record of what is in flight.
 */
#ifndef VIRTIO_SPLIT_H
#define VIRTIO_SPLIT_H

#include "internal.h"
#include "ring_layout.h"
#include <neap/page.h>
#include <neap/pin.h>

#define NO_TABLE  UINT16_MAX
#define OWNER_MAX 48

/* Our record of one descriptor, and of the buffer whose head it is. */
struct split_slot {
    void *token;            /* of the buffer in flight whose head this is, else NULL */
    uint32_t in_length;     /* its device-writable bytes */
    uint16_t count;         /* its descriptors in the ring */
    uint16_t pinned;        /* its first pieces that are pinned */
    uint16_t table;         /* its indirect table, or NO_TABLE */
    uint16_t next;          /* free list, and chain: what the descriptor says */
    struct page *frame;     /* all of a buffer of one piece, if it is in one frame, else NULL */
    struct virtio_sg piece; /* where the descriptor points at, unless that is a table or a frame
                             */
};

struct split_ring {
    struct virtqueue queue;
    struct ring_descriptor *descriptors;
    struct ring_available *available;
    struct ring_used *used;
    struct page *memory;
    unsigned order;

    uint16_t free_head;
    unsigned nr_free;     /* descriptors */
    unsigned nr_buffers;  /* in flight */
    unsigned nr_added;    /* since the last kick */
    uint16_t avail_index; /* what we published last */
    uint16_t last_used;   /* used entries taken so far */
    bool event_index;
    bool in_order;
    bool callbacks; /* wanted */

    /* IN_ORDER: one used entry may stand for a batch, which ends at batch_last. */
    uint16_t oldest;       /* head of the oldest buffer in flight */
    unsigned batch_left;   /* buffers of the batch not taken yet */
    uint32_t batch_length; /* what the device wrote into the last of them */

    struct ring_descriptor *tables; /* indirect tables of table_entries each, or NULL */
    unsigned table_entries;
    unsigned nr_free_tables;
    uint16_t *free_tables;
    struct virtio_sg *table_pieces; /* where the tables' entries point at */

    struct pin_source pins;
    char owner[OWNER_MAX]; /* of its pins */
    bool gives_memory;

    struct split_slot slots[];
};

static inline struct split_ring *to_split(const struct virtqueue *queue)
{
    return container_of((struct virtqueue *)(uintptr_t)queue, struct split_ring, queue);
}

/* What buffers in flight pin (split_pin.c). */
void split_unpin(struct split_ring *ring, const struct split_slot *slot);
uint64_t split_pinned_pages(const struct pin_source *source, uint64_t start, uint64_t end);

/* Offering buffers (split_add.c). */
int split_add(struct virtqueue *queue, const struct virtio_sg *sg, unsigned out, unsigned in,
              void *token);
bool split_kick_needed(struct virtqueue *queue);

/* Taking used ones (split_take.c). */
void *split_take(struct virtqueue *queue, uint32_t *length);
bool split_has_used(const struct virtqueue *queue);
bool split_enable_callback(struct virtqueue *queue);
void split_disable_callback(struct virtqueue *queue);
void *split_detach(struct virtqueue *queue);

#endif
