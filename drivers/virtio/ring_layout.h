/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings in memory, split (virtio 1.4, 2.7) and packed (2.8), for both of their sides. All
 * fields are little-endian.
 */
#ifndef VIRTIO_RING_LAYOUT_H
#define VIRTIO_RING_LAYOUT_H

#include <neap/endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_SIZE_MAX 32768u

#define DESC_F_NEXT     1u
#define DESC_F_WRITE    2u
#define DESC_F_INDIRECT 4u
#define DESC_F_AVAIL    0x80u   /* packed */
#define DESC_F_USED     0x8000u /* packed */

#define AVAIL_F_NO_INTERRUPT 1u
#define USED_F_NO_NOTIFY     1u

struct ring_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

struct ring_available {
    uint16_t flags;
    uint16_t index;
    uint16_t ring[]; /* after the last slot: used_event */
};

struct ring_used_entry {
    uint32_t id;
    uint32_t length;
};

struct ring_used {
    uint16_t flags;
    uint16_t index;
    struct ring_used_entry ring[]; /* after the last slot: avail_event, 16 bits */
};

static inline size_t ring_available_bytes(unsigned size)
{
    return sizeof(struct ring_available) + (size + 1) * sizeof(uint16_t);
}

static inline size_t ring_used_bytes(unsigned size)
{
    return sizeof(struct ring_used) + size * sizeof(struct ring_used_entry) + sizeof(uint16_t);
}

static inline uint16_t *ring_used_event(struct ring_available *available, unsigned size)
{
    return &available->ring[size];
}

static inline uint16_t *ring_avail_event(struct ring_used *used, unsigned size)
{
    return (uint16_t *)&used->ring[size];
}

/*
 * Both sides' event test: going from index `old` to `new`, was the entry of index `event`
 * passed? All indices wrap at 16 bits.
 */
static inline bool ring_event_crossed(uint16_t event, uint16_t new_index, uint16_t old)
{
    return (uint16_t)(new_index - event - 1) < (uint16_t)(new_index - old);
}

/* ---- the packed ring ---- */

struct packed_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t id;
    uint16_t flags;
};

/*
 * An event suppression structure, 32 bits at once: the place that matters in the lower half,
 * the wish in the upper one.
 */
#define EVENT_ENABLE  (UINT32_C(0) << 16)
#define EVENT_DISABLE (UINT32_C(1) << 16)
#define EVENT_AT      (UINT32_C(2) << 16) /* only with an event index */
#define EVENT_WISH    (UINT32_C(3) << 16)

/*
 * Where one side is: a position in the ring, and the wrap counter in the top bit. Both sides
 * begin at PACKED_START.
 */
#define PACKED_WRAP  0x8000u
#define PACKED_START 0x8000u

static inline unsigned packed_position(uint16_t place)
{
    return place & (PACKED_WRAP - 1);
}

static inline uint16_t packed_advance(uint16_t place, unsigned count, unsigned size)
{
    unsigned position = packed_position(place) + count;
    unsigned wrap = place & PACKED_WRAP;

    return (uint16_t)(position < size ? position | wrap
                                      : (position - size) | (wrap ^ PACKED_WRAP));
}

/* Of a descriptor that is available, and of one that is used, while the wrap counter is so. */
static inline uint16_t packed_available_flags(uint16_t place)
{
    return place & PACKED_WRAP ? DESC_F_AVAIL : DESC_F_USED;
}

static inline uint16_t packed_used_flags(uint16_t place)
{
    return place & PACKED_WRAP ? DESC_F_AVAIL | DESC_F_USED : 0;
}

/* Both sides' event test: the other side wishes `event`; the last `moved` entries end at `now`.
 */
static inline bool packed_event_wanted(uint32_t event, uint16_t now, unsigned moved,
                                       unsigned size)
{
    uint16_t at = (uint16_t)packed_position((uint16_t)event);
    uint16_t position = (uint16_t)packed_position(now);

    if ((event & EVENT_WISH) != EVENT_AT)
        return (event & EVENT_WISH) != EVENT_DISABLE;
    if (moved >= size) /* once around */
        return true;
    if ((event ^ now) & PACKED_WRAP) /* in the round before */
        at = (uint16_t)(at - size);
    return ring_event_crossed(at, position, (uint16_t)(position - moved));
}

#endif
