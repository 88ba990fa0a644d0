/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's half of split and packed rings against a device that writes anything, in any
 * order, anywhere it can write: used entries, indices, flags, events, descriptors.
 */
#include "device.h"
#include "fuzz.h"
#include <string.h>

#define SIZE_MAX_LOG 4
#define TOKENS       64
#define PIECES_MAX   5

static struct fake *fake;
static struct virtqueue *queue;
static struct {
    bool in_flight;
    uint32_t writable;
} tokens[TOKENS];
static unsigned in_flight;

void fuzz_start(void)
{
    device_boot(64 * MIB);
    fake = fake_create(TEST_DEVICE_ID);
    device_keep(fake);
    script.nr_queues = 1;
    script.max_pieces = PIECES_MAX;
}

static void add(void)
{
    struct virtio_sg sg[PIECES_MAX] = {{0}};
    unsigned token = fuzz_below(TOKENS), out = fuzz_below(3), in = fuzz_below(3);
    uint32_t writable = 0;

    for (unsigned i = 0; i < out + in; i++) {
        sg[i] = (struct virtio_sg){0x1000 + 0x100 * i, fuzz_byte()};
        writable += i < out ? 0 : sg[i].length;
    }
    if (tokens[token].in_flight || virtqueue_add(queue, sg, out, in, &tokens[token]))
        return;
    tokens[token].in_flight = true;
    tokens[token].writable = writable;
    in_flight++;
}

/* Only what is in flight may come back, once, with no more than it has room for. */
static void came_back(void *token, uint32_t length)
{
    unsigned i = (unsigned)((char *)token - (char *)tokens) / sizeof(tokens[0]);

    CHECK(token == &tokens[i] && i < TOKENS && tokens[i].in_flight);
    CHECK(length <= tokens[i].writable);
    tokens[i].in_flight = false;
    in_flight--;
}

static void take(void)
{
    uint32_t length = 0;
    void *token = virtqueue_take(queue, &length);

    if (token)
        came_back(token, length);
}

static void take_many(void)
{
    void *taken[TOKENS];
    unsigned nr = virtqueue_take_many(queue, taken, fuzz_below(TOKENS));

    for (unsigned i = 0; i < nr; i++)
        came_back(taken[i], 0);
}

static void kick(void)
{
    virtqueue_kick(queue);
}

static void callbacks(void)
{
    if (fuzz_byte() % 2)
        (void)virtqueue_enable_callback(queue);
    else
        virtqueue_disable_callback(queue);
}

/* An id out of nothing; in a packed ring with a number of descriptors above it. */
static uint32_t any_head(void)
{
    uint32_t id = (uint32_t)fuzz_number(2);

    if (!virtio_accepted(&fake->dev, VIRTIO_F_RING_PACKED))
        return id | (uint32_t)(fuzz_byte() & 1) << 16;
    return id | (1 + fuzz_below(virtqueue_size(queue))) << 16;
}

/* The device plays by the rules, with lengths and ids that need not be right. */
static void device_uses(void)
{
    struct vringd *ring = &fake->queues[0].ring;
    struct vringd_chain chain;

    if (vringd_pop(ring, &chain) > 0)
        vringd_push(ring, fuzz_byte() % 4 ? chain.head : any_head(), fuzz_byte());
}

/* A used entry out of nothing. */
static void device_invents(void)
{
    vringd_push(&fake->queues[0].ring, any_head(), (uint32_t)fuzz_number(2));
}

/* Some bytes anywhere in the ring's memory. */
static void device_writes(void)
{
    const struct virtqueue_areas *areas = &fake->queues[0].areas;
    const uint64_t starts[] = {areas->device, areas->driver, areas->descriptor};
    uint64_t at = starts[fuzz_below(3)] + fuzz_below(16u << SIZE_MAX_LOG);

    fuzz_bytes(shim_phys(at), fuzz_below(9));
}

static void interrupt(void)
{
    virtio_queue_interrupt(&fake->dev, fuzz_below(3));
}

void fuzz_run(void)
{
    static void (*const steps[])(void) = {add,       take,        take_many,      kick,
                                          callbacks, device_uses, device_invents, device_writes,
                                          interrupt};
    static const unsigned features[] = {VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER,
                                        VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC,
                                        VIRTIO_F_NOTIFICATION_DATA};

    device_offer(fake, features, ARRAY_SIZE(features));
    fake->queues[0].max_size = 1u << fuzz_below(SIZE_MAX_LOG + 1);
    memset(tokens, 0, sizeof(tokens));
    in_flight = 0;
    device_start(fake);
    queue = script.queues[0];
    while (queue && fuzz_more() && !virtqueue_broken(queue)) {
        steps[fuzz_below(ARRAY_SIZE(steps))]();
        CHECK(virtqueue_room(queue) <= virtqueue_size(queue));
    }
    if (queue && !virtqueue_broken(queue)) {
        void *token;

        while ((token = virtqueue_detach(queue)))
            came_back(token, 0);
        CHECK_EQ(in_flight, 0);
        CHECK_EQ(virtqueue_room(queue), virtqueue_size(queue));
    }
    device_stop(fake);
}
