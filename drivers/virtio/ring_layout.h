/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The split ring in memory (virtio 1.4, 2.7), for both of its sides. All fields are
 * little-endian.
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

#endif
