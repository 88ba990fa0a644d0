/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a device on another CPU can see at each barrier of the driver: the ring as it is then.
 */
#include "../../../drivers/virtio/ring_layout.h"
#include "fake.h"
#include <asm/barrier.h>

#define PIECES 3

static struct fake *fake;
static struct virtqueue *queue;
static char token;
static unsigned barriers;

static const struct virtio_sg sg[PIECES] = {{0x10000, 100}, {0x20000, 200}, {0x30000, 300}};

static void start(bool packed, bool indirect)
{
    const int features[] = {packed ? VIRTIO_F_RING_PACKED : VIRTIO_F_VERSION_1,
                            indirect ? VIRTIO_F_INDIRECT_DESC : VIRTIO_F_VERSION_1, -1};

    shim_boot(64 * MIB);
    script.max_pieces = PIECES;
    fake = fake_live(8, features);
    queue = script.queues[0];
}

static void check_pieces(const struct vringd_chain *chain)
{
    CHECK_EQ(chain->out, 1);
    CHECK_EQ(chain->in, PIECES - 1);
    for (unsigned i = 0; i < PIECES; i++)
        CHECK(chain->pieces[i].phys == sg[i].phys && chain->pieces[i].length == sg[i].length);
}

/* The index alone is missing: with it, a device would find the whole buffer. */
static void look_at_split(char kind)
{
    struct ring_available *available = shim_phys(fake->queues[0].areas.driver);
    struct vringd device = fake->queues[0].ring;
    struct vringd_chain chain;

    if (kind != 'w')
        return;
    shim_at_barrier = NULL;
    barriers++;
    CHECK_EQ(le16(available->index), 0);
    available->index = le16(1);
    CHECK_EQ(vringd_pop(&device, &chain), 1);
    check_pieces(&chain);
    available->index = 0;
}

/* All but the first descriptor's flags are there, and those are not. */
static void look_at_packed(char kind)
{
    const struct packed_descriptor *ring = shim_phys(fake->queues[0].areas.descriptor);
    struct vringd device = fake->queues[0].ring;
    struct vringd_chain chain;

    if (kind != 'w')
        return;
    shim_at_barrier = NULL;
    barriers++;
    CHECK_EQ(vringd_pop(&device, &chain), 0);
    CHECK_EQ(ring[0].flags, 0);
    for (unsigned i = 0; i < PIECES && ring[1].flags; i++)
        CHECK_EQ(le64(ring[i].address), sg[i].phys);
    CHECK_EQ(le16(ring[PIECES - 1].flags), ring[1].flags ? DESC_F_AVAIL | DESC_F_WRITE : 0);
}

/* RING-SPLIT-026, RING-PACKED-011, RING-PACKED-016: complete before it is handed over. */
TEST_CASES(ring_barrier_before_a_buffer_is_available, 4)
{
    struct vringd_chain chain;

    start(test_case & 1, test_case & 2);
    shim_at_barrier = test_case & 1 ? look_at_packed : look_at_split;
    CHECK_EQ(virtqueue_add(queue, sg, 1, PIECES - 1, &token), 0);
    CHECK_EQ(barriers, 1);
    CHECK_EQ(fake_pop(fake, 0, &chain), 1);
    check_pieces(&chain);
}

/* The device sees the buffer no sooner than here, and asks for a kick only now. */
static void change_mind(char kind)
{
    struct ring_used *used = shim_phys(fake->queues[0].areas.device);
    struct vringd device = fake->queues[0].ring;
    struct vringd_chain chain;

    if (kind != 'f')
        return;
    shim_at_barrier = NULL;
    CHECK_EQ(vringd_pop(&device, &chain), 1);
    *(uint32_t *)(void *)used = 0; /* both rings: kicks are wanted */
}

/* RING-SPLIT-027, RING-PACKED-017 */
TEST_CASES(ring_barrier_before_the_wish_is_read, 2)
{
    uint32_t *wish;

    start(test_case, false);
    wish = shim_phys(fake->queues[0].areas.device);
    *wish = le32(test_case ? EVENT_DISABLE : USED_F_NO_NOTIFY);
    CHECK_EQ(virtqueue_add(queue, sg, 1, 0, &token), 0);
    shim_at_barrier = change_mind;
    virtqueue_kick(queue);
    CHECK_EQ(fake->queues[0].notified, 1);
}
