/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's half of a ring of either format, against a device that writes anything to what
 * it can reach: no access leaves the ring, no token comes back twice or is made up, no
 * descriptor is lost. The format's own file gives ring_format() and device_writes().
 */
#ifndef PROVE_RING_STEPS_H
#define PROVE_RING_STEPS_H

#include "drivers/virtio/ring_claim.c"
#include "drivers/virtio/ring_pin.c"
#include "drivers/virtio/ring_release.c"
#include "prove.h"
#include <stdlib.h>

#define SIZE  2
#define STEPS 3

static struct ring *ring;

static void ring_format(void);
static void device_writes(void);

void (*shim_at_barrier)(char kind);
static struct page frame;
static int tokens[SIZE];
static bool in_flight[SIZE]; /* by our own count */

void virtqueue_bad(struct virtqueue *queue, const char *what, uint64_t value)
{
    (void)what, (void)value;
    queue->broken = true;
}

/* In one frame, or over several. */
struct page *pin_buffer(uint64_t phys, uint64_t size)
{
    (void)phys, (void)size;
    frame.pins++;
    return nondet_bool() ? &frame : NULL;
}

void unpin_buffer(uint64_t phys, uint64_t size)
{
    (void)phys, (void)size;
    frame.pins--;
}

static void start(void)
{
    ring = calloc(1, sizeof(*ring) + SIZE * sizeof(ring->slots[0]));
    ASSUME(ring != NULL);
    ring->queue.size = SIZE;
    ring->nr_free = SIZE;
    ring->in_order = nondet_bool();
    ring->event_index = nondet_bool();
    ring->callbacks = nondet_bool();
    for (unsigned i = 0; i < SIZE; i++) {
        ring->slots[i].next = (uint16_t)((i + 1) % SIZE);
        ring->slots[i].table = NO_TABLE;
    }
    ring_format();
}

static void offer(int (*add)(struct virtqueue *, const struct virtio_sg *, unsigned, unsigned,
                             void *))
{
    struct virtio_sg sg[SIZE];
    unsigned token = nondet_below(SIZE), pieces = nondet_below(SIZE + 1);
    unsigned out = nondet_below(SIZE + 1);

    ASSUME(!in_flight[token] && out <= pieces);
    for (unsigned i = 0; i < SIZE; i++)
        sg[i] = (struct virtio_sg){nondet_u64(), nondet_u32()};
    if (!add(&ring->queue, sg, out, pieces - out, &tokens[token]))
        in_flight[token] = true;
}

static void collect(void *(*take_one)(struct virtqueue *, uint32_t *))
{
    uint32_t length;
    int *token = take_one(&ring->queue, &length);

    if (!token)
        return;
    PROVE(token >= tokens && token < tokens + SIZE);
    PROVE(in_flight[token - tokens]);
    in_flight[token - tokens] = false;
}

static void check(void)
{
    unsigned buffers = 0, descriptors = 0;

    for (unsigned i = 0; i < SIZE; i++) {
        buffers += in_flight[i];
        descriptors += ring->slots[i].token ? ring->slots[i].count : 0;
    }
    PROVE(ring->nr_buffers == buffers);
    PROVE(ring->nr_free <= SIZE && ring->nr_free + descriptors == SIZE);
}

/* STEPS calls in any order; the device may write between any two. */
#define PROVE_RING(add, take_one)                                     \
    int main(void)                                                    \
    {                                                                 \
        start();                                                      \
        for (unsigned i = 0; i < STEPS && !ring->queue.broken; i++) { \
            if (nondet_bool())                                        \
                offer(add);                                           \
            else                                                      \
                collect(take_one);                                    \
            check();                                                  \
            device_writes();                                          \
        }                                                             \
        return 0;                                                     \
    }

#endif
