/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device side of a split ring against a driver that writes nonsense.
 */
#include "../../../drivers/virtio/ring_layout.h"
#include "fake.h"
#include <errno.h>

#define SIZE 8

static struct ring_descriptor descriptors[SIZE] __attribute__((aligned(16)));
static struct ring_descriptor table[SIZE + 1], second_table[1];
static uint16_t available[3 + SIZE];
static struct {
    struct ring_used ring;
    struct ring_used_entry entries[SIZE];
    uint16_t event;
} used;
static const struct virtio_features none;
static bool refuse;
static struct vringd ring;
static struct vringd_chain chain;

static void *translate(void *arg, uint64_t phys, uint64_t bytes)
{
    CHECK(arg == &ring && bytes);
    return refuse ? NULL : (void *)(uintptr_t)phys;
}

static int init(unsigned size, uint64_t offset)
{
    struct virtqueue_areas areas = {(uintptr_t)descriptors + offset, (uintptr_t)available,
                                    (uintptr_t)&used};

    return vringd_init(&ring, size, &areas, &none, translate, &ring);
}

static void offer(unsigned head)
{
    struct ring_available *avail = (struct ring_available *)available;

    avail->ring[le16(avail->index) % SIZE] = le16((uint16_t)head);
    avail->index = le16((uint16_t)(le16(avail->index) + 1));
}

TEST(vringd_init_checks)
{
    struct virtqueue_areas areas = {(uintptr_t)descriptors, (uintptr_t)available,
                                    (uintptr_t)&used};

    CHECK_EQ(init(0, 0), -EINVAL);
    CHECK_EQ(init(6, 0), -EINVAL);
    CHECK_EQ(init(65536, 0), -EINVAL);
    CHECK_EQ(init(SIZE, 8), -EINVAL);
    areas.driver++;
    CHECK_EQ(vringd_init(&ring, SIZE, &areas, &none, translate, &ring), -EINVAL);
    areas.driver--;
    areas.device += 2;
    CHECK_EQ(vringd_init(&ring, SIZE, &areas, &none, translate, &ring), -EINVAL);
    CHECK_EQ(init(SIZE, 0), 0);
    refuse = true;
    CHECK_EQ(init(SIZE, 0), -EINVAL);
}

/* What descriptor 0 and the table look like in each case, and what pop says. */
static const struct {
    const char *what;
    unsigned head;
    struct ring_descriptor first, second, table[2];
    int want;
} cases[] = {
    {"one readable piece", 0, {1, 1, 0, 0}, {0}, {{0}}, 1},
    {"readable, then writable", 0, {1, 1, DESC_F_NEXT, 1}, {1, 1, DESC_F_WRITE, 0}, {{0}}, 1},
    {"head beyond the ring", SIZE, {0}, {0}, {{0}}, -EIO},
    {"next beyond the ring", 0, {1, 1, DESC_F_NEXT, SIZE}, {0}, {{0}}, -EIO},
    {"a loop", 0, {1, 1, DESC_F_NEXT, 1}, {1, 1, DESC_F_NEXT, 0}, {{0}}, -EIO},
    {"readable after writable",
     0,
     {1, 1, DESC_F_NEXT | DESC_F_WRITE, 1},
     {1, 1, 0, 0},
     {{0}},
     -EIO},
    {"a table", 0, {2, 32, DESC_F_INDIRECT, 0}, {0}, {{1, 1, DESC_F_NEXT, 1}, {1, 1, 0, 0}}, 1},
    {"a table behind a descriptor",
     0,
     {1, 1, DESC_F_NEXT, 1},
     {2, 16, DESC_F_INDIRECT, 0},
     {{1, 1, DESC_F_WRITE, 0}},
     1},
    {"a table with next", 0, {2, 32, DESC_F_INDIRECT | DESC_F_NEXT, 1}, {0}, {{0}}, -EIO},
    {"an empty table", 0, {2, 0, DESC_F_INDIRECT, 0}, {0}, {{0}}, -EIO},
    {"a table of odd length", 0, {2, 24, DESC_F_INDIRECT, 0}, {0}, {{0}}, -EIO},
    {"a table longer than the ring",
     0,
     {2, 16 * (SIZE + 1), DESC_F_INDIRECT, 0},
     {0},
     {{1, 1, 0, 0}},
     -EIO},
    {"a table in a table",
     0,
     {2, 32, DESC_F_INDIRECT, 0},
     {0},
     {{3, 16, DESC_F_INDIRECT, 0}},
     -EIO},
    {"a table that leaves itself",
     0,
     {2, 32, DESC_F_INDIRECT, 0},
     {0},
     {{1, 1, DESC_F_NEXT, 2}},
     -EIO},
};

static struct ring_descriptor swapped(struct ring_descriptor entry)
{
    return (struct ring_descriptor){le64(entry.address), le32(entry.length), le16(entry.flags),
                                    le16(entry.next)};
}

/* Addresses 2 and 3 stand for the tables. */
static struct ring_descriptor fill(struct ring_descriptor entry)
{
    if (entry.address == 2)
        entry.address = (uintptr_t)table;
    if (entry.address == 3)
        entry.address = (uintptr_t)second_table;
    return swapped(entry);
}

TEST_CASES(vringd_pop, ARRAY_SIZE(cases))
{
    CHECK_EQ(init(SIZE, 0), 0);
    CHECK_EQ(vringd_pop(&ring, &chain), 0);
    descriptors[0] = fill(cases[test_case].first);
    descriptors[1] = fill(cases[test_case].second);
    second_table[0] = swapped((struct ring_descriptor){1, 1, 0, 0});
    table[0] = fill(cases[test_case].table[0]);
    table[1] = fill(cases[test_case].table[1]);
    offer(cases[test_case].head);
    unit_note("%s", cases[test_case].what);
    CHECK_EQ(vringd_pop(&ring, &chain), cases[test_case].want);
}

/* RING-SPLIT-008: a table of the ring's size fits, with one more descriptor it is too long. */
TEST_CASES(vringd_longest_chain, 2)
{
    const struct ring_descriptor to_table = {(uintptr_t)table, 16 * SIZE, DESC_F_INDIRECT, 0};

    CHECK_EQ(init(SIZE, 0), 0);
    for (unsigned i = 0; i < SIZE; i++)
        table[i] = swapped((struct ring_descriptor){1, 1, DESC_F_NEXT, (uint16_t)(i + 1)});
    table[SIZE - 1].flags = 0;
    descriptors[0] = swapped((struct ring_descriptor){1, 1, DESC_F_NEXT, 1});
    descriptors[test_case] = swapped(to_table);
    offer(0);
    CHECK_EQ(vringd_pop(&ring, &chain), test_case ? -EIO : 1);
}

TEST(vringd_table_out_of_reach)
{
    CHECK_EQ(init(SIZE, 0), 0);
    descriptors[0] =
        swapped((struct ring_descriptor){(uintptr_t)table, 16, DESC_F_INDIRECT, 0});
    offer(0);
    refuse = true;
    CHECK_EQ(vringd_pop(&ring, &chain), -EIO);
}

TEST(vringd_available_index_runs_ahead)
{
    CHECK_EQ(init(SIZE, 0), 0);
    ((struct ring_available *)available)->index = le16(SIZE + 1);
    CHECK_EQ(vringd_pop(&ring, &chain), -EIO);
}

/* The same buffer again and again, without waiting for its use. */
TEST(vringd_offers_too_much)
{
    CHECK_EQ(init(SIZE, 0), 0);
    descriptors[0] = swapped((struct ring_descriptor){1, 1, 0, 0});
    for (unsigned i = 0; i <= SIZE; i++) {
        offer(0);
        CHECK_EQ(vringd_pop(&ring, &chain), i < SIZE ? 1 : -EIO);
    }
    vringd_push(&ring, 0, 0);
    CHECK_EQ(vringd_pop(&ring, &chain), 1);
}

TEST(vringd_too_many_pieces)
{
    static struct ring_descriptor many[256] __attribute__((aligned(16)));
    static uint16_t many_available[3 + 256];
    static uint32_t many_used[2 + 2 * 256];
    struct virtqueue_areas areas = {(uintptr_t)many, (uintptr_t)many_available,
                                    (uintptr_t)many_used};

    CHECK_EQ(vringd_init(&ring, 256, &areas, &none, translate, &ring), 0);
    for (unsigned i = 0; i < 256; i++)
        many[i] = swapped((struct ring_descriptor){1, 1, DESC_F_NEXT, (uint16_t)(i + 1)});
    many[VRINGD_PIECES_MAX - 1].flags = 0;
    many_available[1] = le16(1);
    CHECK_EQ(vringd_pop(&ring, &chain), 1);
    CHECK_EQ(chain.out, VRINGD_PIECES_MAX);
    many[VRINGD_PIECES_MAX - 1].flags = le16(DESC_F_NEXT);
    many_available[1] = le16(2);
    CHECK_EQ(vringd_pop(&ring, &chain), -EIO);
}
