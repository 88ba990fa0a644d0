/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench: offering a buffer and taking it back, without a device: its side of the ring is played
 * between the measurements.
 */
#include "internal.h"
#include <neap/alloc.h>
#include <neap/bench.h>
#include <neap/vringd.h>

#define ENTRIES 256
#define ORDER   8 /* a frame for each buffer */
#define ROUNDS  64

struct ring {
    struct virtqueue *queue;
    struct vringd device;
    struct page *memory;
    uint64_t add, take; /* cycles */
};

static void *translate(void *arg UNUSED, uint64_t phys, uint64_t bytes UNUSED)
{
    return phys_to_virt(phys);
}

static const char *make(struct ring *ring)
{
    static struct virtio_device dev = {.name = "bench"};
    static const struct virtio_queue_request request = {.name = "ring"};
    struct virtqueue_areas areas;

    ring->memory = alloc_pages(ORDER, PAGE_KERNEL, ALLOC_DEFAULT);
    if (ring->memory)
        ring->queue = ring_create(&dev, &request, ENTRIES, &areas);
    if (!ring->queue)
        return "no memory for a ring";
    return vringd_init(&ring->device, ENTRIES, &areas, &dev.accepted, translate, NULL)
               ? "the device refuses the ring"
               : NULL;
}

static void drop(struct ring *ring)
{
    if (ring->queue)
        ring->queue->ring->destroy(ring->queue);
    if (ring->memory)
        free_pages(ring->memory, ORDER);
}

static void use_all(struct vringd *device)
{
    static struct vringd_chain chain;

    while (vringd_pop(device, &chain) == 1)
        vringd_push(device, chain.head, 0);
}

/* Fill the ring, let the device use everything, empty it. Returns the buffers that came back.
 */
static unsigned go_round(struct ring *ring)
{
    uint64_t begin = arch_cycles(), end;
    unsigned added = 0, taken = 0;

    while (added < ENTRIES) {
        struct virtio_sg sg = {page_to_phys(ring->memory + added), 1514};

        if (virtqueue_add(ring->queue, &sg, 1, 0, ring))
            break;
        added++;
    }
    end = arch_cycles();
    ring->add += end - begin;
    use_all(&ring->device);
    begin = arch_cycles();
    while (virtqueue_take(ring->queue, NULL))
        taken++;
    ring->take += arch_cycles() - begin;
    return taken;
}

static void measure(struct bench_result *result, struct ring *ring)
{
    *ring = (struct ring){0};
    result->skipped = make(ring);
    for (unsigned round = 0; round < ROUNDS && !result->skipped; round++)
        result->ops += go_round(ring);
    drop(ring);
}

static void ring_add(struct bench_result *result)
{
    struct ring ring;

    measure(result, &ring);
    result->cycles = ring.add;
}
BENCH(ring_add, "ring-add", "offer a buffer of one piece to a device");

static void ring_take(struct bench_result *result)
{
    struct ring ring;

    measure(result, &ring);
    result->cycles = ring.take;
}
BENCH(ring_take, "ring-take", "take it back");
