/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking used buffers back from a split ring. What the device wrote is checked here.
 */
#include "split.h"
#include <arch/barrier.h>

/* Unpin a buffer of several pieces or frames and return its table. Gives its last slot. */
static __attribute__((noinline)) struct split_slot *release_pieces(struct split_ring *ring,
                                                                   struct split_slot *slot)
{
    struct split_slot *tail = slot;

    split_unpin(ring, slot);
    for (unsigned i = slot->count; i > 1; i--)
        tail = &ring->slots[tail->next];
    if (slot->table != NO_TABLE) {
        ring->free_tables[ring->nr_free_tables++] = slot->table;
        slot->table = NO_TABLE;
    }
    return tail;
}

/* Return a buffer's descriptors; gives its token. */
static inline void *release_buffer(struct split_ring *ring, unsigned head)
{
    struct split_slot *slot = &ring->slots[head], *tail = slot;
    void *token = slot->token;

    if (__builtin_expect(slot->frame != NULL, 1))
        unpin_frame(slot->frame);
    else
        tail = release_pieces(ring, slot);
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

/* How many buffers from the oldest in flight up to the one at `head`, inclusive. */
static unsigned batch_size(const struct split_ring *ring, unsigned head)
{
    uint16_t at = ring->oldest;
    unsigned size = 1;

    while (at != head) {
        for (unsigned i = ring->slots[at].count; i; i--)
            at = ring->slots[at].next;
        size++;
    }
    return size;
}

static inline bool entry_is_valid(struct split_ring *ring, uint32_t id, uint32_t length,
                                  unsigned entries)
{
    struct virtqueue *queue = &ring->queue;

    if (id >= queue->size || !ring->slots[id].token)
        virtqueue_bad(queue, "used entry names no buffer in flight: id", id);
    else if (length > ring->slots[id].in_length)
        virtqueue_bad(queue, "used length beyond the buffer:", length);
    else if (ring->in_order && batch_size(ring, id) > entries)
        virtqueue_bad(queue, "used index stops inside a batch: id", id);
    else
        return true;
    return false;
}

/*
 * Read the next used entry: the head of the buffer it is for. `entries` are available from the
 * used index.
 */
static inline __attribute__((always_inline)) bool
read_entry(struct split_ring *ring, unsigned entries, uint32_t *head, uint32_t *length)
{
    const struct ring_used_entry *entry =
        &ring->used->ring[ring->last_used & (ring->queue.size - 1)];

    /* The entry was written before the index that we have just read. */
    barrier_read();
    *head = le32(READ_ONCE(entry->id));
    *length = le32(READ_ONCE(entry->length));
    return entry_is_valid(ring, *head, *length, entries);
}

/*
 * IN_ORDER: one entry may stand for a batch; every buffer but its last one was used completely.
 */
static bool take_in_order(struct split_ring *ring, unsigned entries, uint32_t *head,
                          uint32_t *length)
{
    if (!ring->batch_left) {
        if (!read_entry(ring, entries, head, &ring->batch_length))
            return false;
        ring->batch_left = batch_size(ring, *head);
    }
    *head = ring->oldest;
    *length = --ring->batch_left ? ring->slots[*head].in_length : ring->batch_length;
    return true;
}

static uint16_t used_index(const struct split_ring *ring)
{
    return le16(READ_ONCE(ring->used->index));
}

void *split_take(struct virtqueue *queue, uint32_t *length)
{
    struct split_ring *ring = to_split(queue);
    unsigned entries = (uint16_t)(used_index(ring) - ring->last_used);
    uint32_t head = 0, written = 0;
    void *token;

    if (!entries)
        return NULL;
    if (entries > ring->nr_buffers) {
        virtqueue_bad(queue, "used index runs ahead to", used_index(ring));
        return NULL;
    }
    if (ring->in_order ? !take_in_order(ring, entries, &head, &written)
                       : !read_entry(ring, entries, &head, &written))
        return NULL;
    if (length)
        *length = written;
    token = release_buffer(ring, head);
    ring->last_used++;
    /* Move the event along, or the next used buffer would raise no interrupt. */
    if (ring->event_index && ring->callbacks) {
        WRITE_ONCE(*ring_used_event(ring->available, queue->size), le16(ring->last_used));
        barrier_full();
    }
    return token;
}

bool split_has_used(const struct virtqueue *queue)
{
    const struct split_ring *ring = to_split(queue);

    return used_index(ring) != ring->last_used;
}

bool split_enable_callback(struct virtqueue *queue)
{
    struct split_ring *ring = to_split(queue);

    ring->callbacks = true;
    if (ring->event_index)
        WRITE_ONCE(*ring_used_event(ring->available, queue->size), le16(ring->last_used));
    else
        WRITE_ONCE(ring->available->flags, 0);
    /* The device may have used a buffer before it saw the wish: look again behind a barrier. */
    barrier_full();
    return split_has_used(queue);
}

/*
 * With an event index the flags stay 0 (RING-SPLIT-014); leaving the event behind the used
 * index is what keeps the device quiet.
 */
void split_disable_callback(struct virtqueue *queue)
{
    struct split_ring *ring = to_split(queue);

    ring->callbacks = false;
    if (ring->event_index)
        WRITE_ONCE(*ring_used_event(ring->available, queue->size),
                   le16((uint16_t)(ring->last_used - 1)));
    else
        WRITE_ONCE(ring->available->flags, le16(AVAIL_F_NO_INTERRUPT));
}

void *split_detach(struct virtqueue *queue)
{
    struct split_ring *ring = to_split(queue);

    for (unsigned i = 0; ring->nr_buffers && i < queue->size; i++)
        if (ring->slots[i].token)
            return release_buffer(ring, i);
    return NULL;
}
