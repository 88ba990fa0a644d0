/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nonsense in a packed ring: by the device, and by the driver.
 */
#include "../../../drivers/virtio/ring_layout.h"
#include "fake.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SIZE 5 /* need not be a power of two */

static struct fake *fake;
static struct virtqueue *queue;
static char tokens[8];

static const int features[][3] = {
    {VIRTIO_F_RING_PACKED, -1},
    {VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER, -1},
};

/* Three buffers of a readable and a writable piece: ids 0, 2, 4. */
static void start(unsigned kind)
{
    struct virtio_sg sg[2] = {{0x1000, 10}, {0x2000, 20}};
    struct vringd_chain chain;

    shim_boot(64 * MIB);
    fake = fake_live(8, features[kind]);
    queue = script.queues[0];
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(virtqueue_add(queue, sg, 1, 1, &tokens[i]), 0);
        CHECK_EQ(fake_pop(fake, 0, &chain), 1);
        CHECK_EQ((uint16_t)chain.head, 2 * i);
    }
}

static void push(uint32_t id, uint32_t length)
{
    vringd_push(&fake->queues[0].ring, 2u << 16 | id, length);
}

static void expect_broken(const char *message)
{
    CHECK(virtqueue_take(queue, NULL) == NULL);
    CHECK(virtqueue_broken(queue));
    CHECK_EQ(shim_log_count(message), 1);
    shim_settle();
    CHECK_EQ(script.removes, 1);
    CHECK(fake->dev.live);
    CHECK(!virtqueue_broken(script.queues[0]));
}

TEST_CASES(packed_hostile_id, 8)
{
    static const uint16_t ids[] = {1, 6, 8, 0xffff};
    char message[64];

    start(test_case % 2);
    push(ids[test_case / 2], 0);
    snprintf(message, sizeof(message), "names no buffer in flight: id %u", ids[test_case / 2]);
    expect_broken(message);
}

TEST_CASES(packed_hostile_double_use, 2)
{
    start(test_case);
    push(0, 0);
    CHECK(virtqueue_take(queue, NULL) == &tokens[0]);
    push(0, 0);
    expect_broken("names no buffer in flight: id 0");
}

TEST_CASES(packed_hostile_length, 2)
{
    start(test_case);
    push(0, 20);
    CHECK(virtqueue_take(queue, NULL) == &tokens[0]);
    push(2, 21);
    expect_broken("beyond the buffer: 21");
}

/* What nobody offered is used, after everything came back. */
TEST(packed_hostile_used_from_nothing)
{
    start(0);
    for (unsigned i = 0; i < 3; i++) {
        push(2 * i, 0);
        CHECK(virtqueue_take(queue, NULL) == &tokens[i]);
    }
    CHECK(!virtqueue_has_used(queue));
    push(0, 0);
    expect_broken("names no buffer in flight: id 0");
}

/* The device overwrites all descriptors; our own record is what counts. */
TEST_CASES(packed_hostile_descriptors, 2)
{
    void *descriptors;

    start(0);
    descriptors = shim_phys(fake->queues[0].areas.descriptor);
    for (unsigned i = 0; i < 3; i++) {
        memset(descriptors, test_case ? 0x7f : 0, (size_t)8 * 16);
        push(2 * i, 0);
        CHECK(virtqueue_take(queue, NULL) == &tokens[i]);
    }
    CHECK_EQ(virtqueue_room(queue), 8);
}

/* ---- the device's half against a driver ---- */

static struct packed_descriptor ring_memory[SIZE] __attribute__((aligned(16)));
static struct packed_descriptor table[SIZE + 1], second_table[1];
static uint32_t driver_event, device_event;
static struct vringd ring;
static struct vringd_chain chain;
static bool refuse;

static void *translate(void *arg, uint64_t phys, uint64_t bytes)
{
    CHECK(arg == &ring && bytes);
    return refuse ? NULL : (void *)(uintptr_t)phys;
}

static int init(unsigned size, unsigned driver_offset)
{
    struct virtqueue_areas areas = {(uintptr_t)ring_memory,
                                    (uintptr_t)&driver_event + driver_offset,
                                    (uintptr_t)&device_event};
    struct virtio_features accepted = {0};

    virtio_features_set(&accepted, VIRTIO_F_RING_PACKED);
    return vringd_init(&ring, size, &areas, &accepted, translate, &ring);
}

TEST(vringd_packed_init_checks)
{
    CHECK_EQ(init(0, 0), -EINVAL);
    CHECK_EQ(init(32769, 0), -EINVAL);
    CHECK_EQ(init(SIZE, 2), -EINVAL);
    CHECK_EQ(init(SIZE, 0), 0);
    refuse = true;
    CHECK_EQ(init(SIZE, 0), -EINVAL);
}

#define A   DESC_F_AVAIL
#define N   DESC_F_NEXT
#define W   DESC_F_WRITE
#define TAB DESC_F_INDIRECT

/* The first two descriptors and the table in each case, and what pop says. */
static const struct {
    const char *what;
    struct packed_descriptor first, second, table[2];
    int want;
    unsigned out, in;
} cases[] = {
    {"nothing", {1, 1, 3, 0}, {0}, {{0}}, 0, 0, 0},
    {"used already", {1, 1, 3, A | DESC_F_USED}, {0}, {{0}}, 0, 0, 0},
    {"one readable piece", {1, 1, 3, A}, {0}, {{0}}, 1, 1, 0},
    {"an empty piece", {1, 0, 3, A}, {0}, {{0}}, 1, 1, 0},
    {"readable, then writable", {1, 1, 0, A | N}, {1, 1, 3, A | W}, {{0}}, 1, 1, 1},
    {"readable after writable", {1, 1, 0, A | N | W}, {1, 1, 3, A}, {{0}}, -EIO, 0, 0},
    {"a table", {2, 32, 3, A | TAB}, {0}, {{1, 1, 9, 0}, {1, 1, 9, W}}, 1, 1, 1},
    {"other flags in a table", {2, 32, 3, A | TAB}, {0}, {{1, 1, 0, N}, {1, 1, 0, N}}, 1, 2, 0},
    {"a table in a table", {2, 16, 3, A | TAB}, {0}, {{3, 16, 0, TAB}}, 1, 1, 0},
    {"a table with next", {2, 16, 3, A | TAB | N}, {1, 1, 3, A}, {{0}}, -EIO, 0, 0},
    {"a table behind a descriptor", {1, 1, 0, A | N}, {2, 16, 3, A | TAB}, {{0}}, -EIO, 0, 0},
    {"an empty table", {2, 0, 3, A | TAB}, {0}, {{0}}, -EIO, 0, 0},
    {"a table of odd length", {2, 24, 3, A | TAB}, {0}, {{0}}, -EIO, 0, 0},
    {"a table longer than the ring", {2, 16 * (SIZE + 1), 3, A | TAB}, {0}, {{0}}, -EIO, 0, 0},
};

static struct packed_descriptor swapped(struct packed_descriptor entry)
{
    return (struct packed_descriptor){le64(entry.address), le32(entry.length), le16(entry.id),
                                      le16(entry.flags)};
}

/* Addresses 2 and 3 stand for the tables. */
static struct packed_descriptor fill(struct packed_descriptor entry)
{
    if (entry.address == 2)
        entry.address = (uintptr_t)table;
    if (entry.address == 3)
        entry.address = (uintptr_t)second_table;
    return swapped(entry);
}

TEST_CASES(vringd_packed_pop, ARRAY_SIZE(cases))
{
    CHECK_EQ(init(SIZE, 0), 0);
    CHECK_EQ(vringd_pop(&ring, &chain), 0);
    ring_memory[0] = fill(cases[test_case].first);
    ring_memory[1] = fill(cases[test_case].second);
    second_table[0] = swapped((struct packed_descriptor){1, 1, 0, 0});
    table[0] = fill(cases[test_case].table[0]);
    table[1] = fill(cases[test_case].table[1]);
    unit_note("%s", cases[test_case].what);
    CHECK_EQ(vringd_pop(&ring, &chain), cases[test_case].want);
    if (cases[test_case].want != 1)
        return;
    CHECK_EQ((uint16_t)chain.head, 3);
    CHECK_EQ(chain.out, cases[test_case].out);
    CHECK_EQ(chain.in, cases[test_case].in);
}

TEST(vringd_packed_table_out_of_reach)
{
    CHECK_EQ(init(SIZE, 0), 0);
    ring_memory[0] = swapped((struct packed_descriptor){(uintptr_t)table, 16, 0, A | TAB});
    refuse = true;
    CHECK_EQ(vringd_pop(&ring, &chain), -EIO);
}

/* RING-PACKED-007: a list of the ring's size ends, a longer one would be a loop. */
TEST_CASES(vringd_packed_longest_list, 2)
{
    CHECK_EQ(init(SIZE, 0), 0);
    for (unsigned i = 0; i < SIZE; i++)
        ring_memory[i] = swapped((struct packed_descriptor){1, 1, 0, A | N});
    if (test_case)
        ring_memory[SIZE - 1].flags = le16(A);
    CHECK_EQ(vringd_pop(&ring, &chain), test_case ? 1 : -EIO);
}

/* Descriptors are made available again before any of them was used. */
TEST(vringd_packed_offers_too_much)
{
    CHECK_EQ(init(SIZE, 0), 0);
    for (unsigned i = 0; i <= SIZE; i++) {
        ring_memory[i % SIZE] =
            swapped((struct packed_descriptor){1, 1, 0, i < SIZE ? A : DESC_F_USED});
        CHECK_EQ(vringd_pop(&ring, &chain), i < SIZE ? 1 : -EIO);
    }
    vringd_push(&ring, chain.head, 0);
    ring_memory[0] = swapped((struct packed_descriptor){1, 1, 0, DESC_F_USED});
    CHECK_EQ(vringd_pop(&ring, &chain), 1);
}
