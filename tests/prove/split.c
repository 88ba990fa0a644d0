/* SPDX-License-Identifier: BSD-2-Clause */
/* The split ring; ring_steps.h says what is proved. */
#include "drivers/virtio/split_add.c"
#include "drivers/virtio/split_take.c"
#include "ring_steps.h"

static struct ring_descriptor descriptors[SIZE];
static uint16_t available[2 + SIZE + 1];
static uint32_t used[1 + 2 * SIZE + 1];

static void ring_format(void)
{
    ring->split.descriptors = descriptors;
    ring->split.available = (struct ring_available *)available;
    ring->split.used = (struct ring_used *)used;
    ring->last_used = ring->next_avail = nondet_u16();
    ring->split.used->index = ring->last_used;
}

static void device_writes(void)
{
    for (unsigned i = 0; i < SIZE; i++) {
        ring->split.used->ring[i].id = nondet_u32();
        ring->split.used->ring[i].length = nondet_u32();
        descriptors[i].next = nondet_u16();
        ring->split.available->ring[i] = nondet_u16();
    }
    ring->split.used->index = nondet_u16();
    ring->split.available->index = nondet_u16();
}

PROVE_RING(split_add, split_take)
