/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The split ring against the device side of vringd: what a conforming device does.
 */
#include "../../../drivers/virtio/internal.h"
#include "../../../drivers/virtio/ring_layout.h"
#include "fake.h"
#include <errno.h>
#include <string.h>

static struct fake *fake;
static struct virtqueue *queue;
static char tokens[64];

static const int plain[] = {-1};
static const int event_index[] = {VIRTIO_F_EVENT_IDX, -1};
static const int indirect[] = {VIRTIO_F_INDIRECT_DESC, -1};
static const int in_order[] = {VIRTIO_F_IN_ORDER, -1};

static void start(unsigned size, const int *features)
{
    shim_boot(64 * MIB);
    fake = fake_live(size, features);
    queue = script.queues[0];
}

static int add(unsigned out, unsigned in, void *token)
{
    struct virtio_sg sg[16];

    CHECK(out + in <= ARRAY_SIZE(sg));
    for (unsigned i = 0; i < out + in; i++)
        sg[i] = (struct virtio_sg){0x10000 + 0x1000 * i, 100 + i};
    return virtqueue_add(queue, sg, out, in, token);
}

static struct vringd_chain pop(void)
{
    struct vringd_chain chain;

    CHECK_EQ(fake_pop(fake, 0, &chain), 1);
    return chain;
}

static struct ring_available *avail(void)
{
    return shim_phys(fake->queues[0].areas.driver);
}

static struct ring_used *used(void)
{
    return shim_phys(fake->queues[0].areas.device);
}

TEST(ring_areas_are_aligned_and_apart)
{
    const struct virtqueue_areas *areas;

    start(32, plain);
    areas = &fake->queues[0].areas;
    CHECK_EQ(areas->descriptor % 16, 0);
    CHECK_EQ(areas->driver % 2, 0);
    CHECK_EQ(areas->device % 4, 0);
    CHECK(areas->driver >= areas->descriptor + 32 * 16);
    CHECK(areas->device >= areas->driver + 6 + 2 * 32);
    CHECK_EQ(le16(used()->flags), 0);
}

TEST(ring_passes_pieces_and_length)
{
    struct vringd_chain chain;
    uint32_t length = 0;

    start(8, plain);
    CHECK_EQ(add(2, 3, tokens), 0);
    CHECK_EQ(virtqueue_room(queue), 3);
    chain = pop();
    CHECK_EQ(chain.out, 2);
    CHECK_EQ(chain.in, 3);
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ(chain.pieces[i].phys, 0x10000 + 0x1000 * i);
        CHECK_EQ(chain.pieces[i].length, 100 + i);
    }
    CHECK(!virtqueue_has_used(queue));
    CHECK(virtqueue_take(queue, &length) == NULL);
    fake_answer(fake, 0, chain.head, 102 + 103 + 104);
    CHECK_EQ(script.callbacks, 1);
    CHECK(virtqueue_has_used(queue));
    CHECK(virtqueue_take(queue, &length) == tokens);
    CHECK_EQ(length, 102 + 103 + 104);
    CHECK_EQ(virtqueue_room(queue), 8);
    CHECK_EQ(virtqueue_index(queue), 0);
    CHECK_EQ(strcmp(virtqueue_name(queue), "test"), 0);
    CHECK(virtqueue_device(queue) == &fake->dev);
}

TEST(ring_refuses_bad_buffers)
{
    struct virtio_sg sg[9];

    start(8, plain);
    for (unsigned i = 0; i < 9; i++)
        sg[i] = (struct virtio_sg){0x10000, 16};
    CHECK_EQ(virtqueue_add(queue, sg, 0, 0, tokens), -EINVAL);
    CHECK_EQ(virtqueue_add(queue, sg, 9, 0, tokens), -EINVAL);
    for (unsigned i = 0; i < 9; i++)
        sg[i].length = 1u << 29;
    CHECK_EQ(virtqueue_add(queue, sg, 4, 4, tokens), -EINVAL); /* 4 GiB */
    CHECK_EQ(virtqueue_add(queue, sg, 4, 3, NULL), -EINVAL);
    sg[1].length = 0;
    CHECK_EQ(virtqueue_add(queue, sg, 1, 1, tokens), -EINVAL);
    CHECK_EQ(virtqueue_room(queue), 8);
    CHECK_EQ(le16(avail()->index), 0);
}

TEST_CASES(ring_full, 2)
{
    struct vringd_chain chain;

    start(4, test_case ? in_order : plain);
    CHECK_EQ(add(3, 0, &tokens[0]), 0);
    CHECK_EQ(add(1, 1, &tokens[1]), -ENOSPC);
    CHECK_EQ(le16(avail()->index), 1);
    CHECK_EQ(add(1, 0, &tokens[1]), 0);
    CHECK_EQ(add(1, 0, &tokens[2]), -ENOSPC);
    chain = pop();
    fake_answer(fake, 0, chain.head, 0);
    CHECK(virtqueue_take(queue, NULL) == &tokens[0]);
    CHECK_EQ(add(1, 2, &tokens[2]), 0);
    CHECK_EQ(virtqueue_room(queue), 0);
    chain = pop();
    CHECK_EQ(chain.out, 1);
    chain = pop();
    CHECK_EQ(chain.in, 2);
}

/* Both indices run past 65535 and go on. */
TEST_CASES(ring_indices_wrap, 3)
{
    static const int *const features[] = {plain, event_index, in_order};

    start(4, features[test_case]);
    for (unsigned i = 0; i < 70000; i++) {
        unsigned before = script.callbacks;
        struct vringd_chain chain;

        CHECK_EQ(add(1, i % 3, &tokens[i % 64]), 0);
        virtqueue_kick(queue);
        CHECK_EQ(fake->queues[0].notified, i + 1);
        chain = pop();
        CHECK_EQ(fake_pop(fake, 0, &chain), 0);
        fake_answer(fake, 0, chain.head, 0);
        CHECK_EQ(script.callbacks, before + 1);
        CHECK(virtqueue_take(queue, NULL) == &tokens[i % 64]);
    }
    CHECK_EQ(le16(used()->index), 70000 & 0xffff);
}

TEST(ring_used_in_any_order)
{
    struct vringd_chain chains[4];

    start(8, plain);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(add(1, 1, &tokens[i]), 0);
    for (unsigned i = 0; i < 4; i++)
        chains[i] = pop();
    for (unsigned i = 4; i-- > 0;)
        fake_answer(fake, 0, chains[i].head, i);
    for (unsigned i = 4; i-- > 0;) {
        uint32_t length;

        CHECK(virtqueue_take(queue, &length) == &tokens[i]);
        CHECK_EQ(length, i);
    }
    CHECK_EQ(virtqueue_room(queue), 8);
    /* The free list is in another order now; chains still work. */
    CHECK_EQ(add(4, 4, &tokens[0]), 0);
    chains[0] = pop();
    CHECK_EQ(chains[0].out + chains[0].in, 8);
}

TEST(ring_indirect)
{
    struct ring_descriptor *descriptors;
    struct vringd_chain chain;
    unsigned direct = 0;

    script.max_pieces = 4;
    start(8, indirect);
    descriptors = shim_phys(fake->queues[0].areas.descriptor);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ(add(2, 2, &tokens[i]), 0);
        CHECK_EQ(virtqueue_room(queue), 7 - i);
        CHECK_EQ(le16(descriptors[i].flags), DESC_F_INDIRECT); /* RING-SPLIT-009 */
        CHECK_EQ(le32(descriptors[i].length), 4 * 16);
        chain = pop();
        CHECK_EQ(chain.out, 2);
        CHECK_EQ(chain.in, 2);
        fake_answer(fake, 0, chain.head, 0);
    }
    for (unsigned i = 0; i < 8; i++)
        CHECK(virtqueue_take(queue, NULL) == &tokens[i]);
    /* One piece, or more than a table holds, goes without a table. */
    CHECK_EQ(add(1, 0, &tokens[0]), 0);
    CHECK_EQ(add(5, 0, &tokens[1]), 0);
    for (unsigned i = 0; i < 8; i++)
        direct += !(le16(descriptors[i].flags) & DESC_F_INDIRECT);
    CHECK_EQ(direct, 6);
    chain = pop();
    CHECK_EQ(chain.out, 1);
    chain = pop();
    CHECK_EQ(chain.out, 5);
}

/* Tables fill one page at most; buffers beyond them use the ring itself. */
TEST(ring_runs_out_of_tables)
{
    script.max_pieces = 128;
    start(256, indirect);
    CHECK_EQ(add(8, 8, &tokens[0]), 0);
    CHECK_EQ(add(8, 8, &tokens[1]), 0);
    CHECK_EQ(virtqueue_room(queue), 254);
    CHECK_EQ(add(8, 8, &tokens[2]), 0);
    CHECK_EQ(virtqueue_room(queue), 238);
    CHECK_EQ(pop().in, 8);
    fake_answer(fake, 0, 0, 0);
    CHECK(virtqueue_take(queue, NULL) == &tokens[0]);
    CHECK_EQ(add(8, 8, &tokens[3]), 0);
    CHECK_EQ(virtqueue_room(queue), 238);
}

TEST(ring_without_indirect_stays_direct)
{
    script.max_pieces = 4;
    start(8, plain);
    CHECK_EQ(add(2, 2, tokens), 0); /* RING-SPLIT-006 */
    CHECK_EQ(virtqueue_room(queue), 4);
}

TEST(ring_detach_after_reset)
{
    unsigned seen = 0;

    start(8, plain);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(add(1, i, &tokens[i]), 0);
    virtio_break_queues(&fake->dev);
    for (char *token; (token = virtqueue_detach(queue));)
        seen |= 1u << (token - tokens);
    CHECK_EQ(seen, 7);
    CHECK_EQ(virtqueue_room(queue), 8);
}
