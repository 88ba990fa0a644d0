/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block device: reads of every length from every place, devices that fail or lie.
 */
#include "fake.h"
#include <neap/alloc.h>
#include <neap/block.h>
#include <neap/errors.h>
#include <string.h>

#define SECTORS      300
#define SIZE_MAX_BIT 1

static struct fake *fake;
static struct block_device *block;
static uint8_t status;
static int32_t too_much; /* bytes that the used length is wrong by */
static bool silent;

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 7 + offset / 512 * 3);
}

static void serve(struct fake *from, unsigned index)
{
    struct vringd_chain chain;

    while (!silent && fake_pop(from, index, &chain)) {
        const uint8_t *header = phys_to_virt(chain.pieces[0].phys);
        uint64_t sector = le_load(header + 8, 8);
        uint8_t *data = phys_to_virt(chain.pieces[1].phys);

        CHECK(chain.out == 1 && chain.in == 2);
        CHECK(chain.pieces[0].length == 16 && le_load(header, 8) == 0);
        CHECK(chain.pieces[1].length % 512 == 0 && chain.pieces[2].length == 1);
        CHECK(sector * 512 + chain.pieces[1].length <= SECTORS * 512);
        for (uint32_t i = 0; i < chain.pieces[1].length; i++)
            data[i] = byte_at(sector * 512 + i);
        *(uint8_t *)phys_to_virt(chain.pieces[2].phys) = status;
        fake_answer(from, index, chain.head,
                    (uint32_t)((int32_t)chain.pieces[1].length + 1 + too_much));
    }
}

static void create(uint64_t sectors, uint32_t size_max)
{
    fake = fake_create(VIRTIO_ID_BLOCK);
    shim_boot(64 * MIB);
    fake->config_size = 16;
    le_store(fake->config, 8, sectors);
    le_store(fake->config + 8, 4, size_max);
    fake->queues[0].max_size = 8;
    fake->queues[0].serve = serve;
    if (size_max)
        fake_offer(fake, SIZE_MAX_BIT);
}

static void start(uint32_t size_max)
{
    create(SECTORS, size_max);
    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    block = block_find("blk0");
    CHECK(block && fake->dev.live);
    CHECK_EQ(block->bytes, SECTORS * 512);
}

static void expect_bytes(uint64_t offset, uint64_t size)
{
    static uint8_t bytes[SECTORS * 512 + 2];
    uint64_t there = offset >= SECTORS * 512 ? 0 : MIN(size, SECTORS * 512 - offset);

    memset(bytes, 0xee, sizeof(bytes));
    CHECK_EQ(block_read(block, offset, bytes + 1, size), (int64_t)there);
    CHECK(bytes[0] == 0xee && bytes[there + 1] == 0xee);
    for (uint64_t i = 0; i < there; i++)
        CHECK_EQ(bytes[i + 1], byte_at(offset + i));
}

/* All at once, in pieces, with a device that takes small pieces only. */
TEST_CASES(blk_reads, 4)
{
    static const uint32_t size_max[] = {0, 512, 1500, 1u << 20};

    start(size_max[test_case]);
    expect_bytes(0, SECTORS * 512);
    expect_bytes(0, 1);
    expect_bytes(511, 2);
    expect_bytes(SECTORS * 512 - 1, 100);
    expect_bytes(SECTORS * 512, 1);
    expect_bytes(UINT64_MAX - 5, 5);
    for (unsigned i = 0; i < 100; i++)
        expect_bytes(unit_random_below(SECTORS * 512), unit_random_below(70000));
}

TEST(blk_device_reports_an_error)
{
    uint8_t byte;

    start(0);
    status = 1;
    CHECK_EQ(block_read(block, 5, &byte, 1), -EIO);
    CHECK_EQ(fake->dev.resets, 0);
    status = 0;
    expect_bytes(5, 1000);
}

/* Too few bytes, or no status: such a device is reset, and serves again. */
TEST_CASES(blk_answer_is_not_whole, 3)
{
    uint8_t bytes[512];

    start(0);
    too_much = test_case == 0 ? -1 : test_case == 1 ? 1 : 0;
    status = test_case == 2 ? 0xff : 0;
    CHECK_EQ(block_read(block, 0, bytes, sizeof(bytes)), -EIO);
    shim_settle();
    CHECK_EQ(fake->dev.resets, 1);
    too_much = status = 0;
    expect_bytes(0, 5000);
}

TEST(blk_no_answer)
{
    uint8_t bytes[512];

    start(0);
    silent = true;
    CHECK_EQ(block_read(block, 0, bytes, sizeof(bytes)), -EIO);
    shim_settle();
    CHECK_EQ(fake->dev.resets, 1);
    silent = false;
    expect_bytes(700, 5000);
}

TEST(blk_given_up)
{
    uint8_t bytes[512];

    start(0);
    too_much = 1;
    for (unsigned i = 0; i <= VIRTIO_RESETS_MAX; i++) {
        CHECK_EQ(block_read(block, 0, bytes, sizeof(bytes)), -EIO);
        shim_settle();
    }
    CHECK(!fake->dev.live);
    too_much = 0;
    CHECK_EQ(block_read(block, 0, bytes, sizeof(bytes)), -EIO);
}

TEST(blk_grows)
{
    start(0);
    le_store(fake->config, 8, 2 * SECTORS);
    fake_config_changed(fake);
    shim_settle();
    CHECK_EQ(block->bytes, 2 * SECTORS * 512);
}

TEST_CASES(blk_refuses_nonsense, 3)
{
    create(test_case == 0 ? UINT64_MAX : SECTORS, test_case == 1 ? 511 : 0);
    if (test_case == 2)
        fake->config_size = 7;
    CHECK(virtio_device_add(&fake->dev) != 0);
    CHECK(!fake->dev.live);
}

/* Every allocation of the start fails once. */
TEST_CASES(blk_start_without_memory, 8)
{
    create(SECTORS, 0);
    alloc_inject_failure(test_case + 1, 0);
    if (virtio_device_add(&fake->dev))
        CHECK(!fake->dev.live);
    alloc_inject_failure(0, 0);
    CHECK_EQ(virtio_restart(&fake->dev), 0);
    block = block_find("blk0");
    CHECK(block != NULL);
    expect_bytes(0, 1000);
}
