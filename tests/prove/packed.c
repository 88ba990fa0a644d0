/* SPDX-License-Identifier: BSD-2-Clause */
/* The packed ring; ring_steps.h says what is proved. */
#include "drivers/virtio/packed_add.c"
#include "drivers/virtio/packed_take.c"
#include "ring_steps.h"

static struct packed_descriptor descriptors[SIZE];
static uint32_t driver_event, device_event;

static void ring_format(void)
{
    ring->packed.descriptors = descriptors;
    ring->packed.driver_event = &driver_event;
    ring->packed.device_event = &device_event;
    ring->last_used = ring->next_avail =
        (uint16_t)(nondet_below(SIZE) | (nondet_bool() ? PACKED_WRAP : 0));
}

static void device_writes(void)
{
    for (unsigned i = 0; i < SIZE; i++)
        descriptors[i] =
            (struct packed_descriptor){nondet_u64(), nondet_u32(), nondet_u16(), nondet_u16()};
    device_event = nondet_u32();
}

PROVE_RING(packed_add, packed_take)
