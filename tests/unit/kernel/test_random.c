/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers: the cipher, what counts as entropy, and what comes out.
 */
#include <arch/clock.h>
#include <stdint.h>

/* Another clock for the jitter: one that a test can shake. */
static uint64_t shaken_cycles(void);
#define arch_cycles    shaken_cycles
#define jitter_collect tested_jitter_collect

#include "kernel/chacha.h"
#include "kernel/jitter.c"
#include "shim.h"
#include "unit.h"
#include <neap/errors.h>
#include <neap/random.h>
#include <neap/timer.h>
#include <string.h>

/* RFC 8439, 2.3.2 */
TEST(random_chacha_block)
{
    static const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0};
    static const uint32_t expected[CHACHA_BLOCK_WORDS] = {
        0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033,
        0x9aaa2204, 0x4e6cd4c3, 0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
        0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2,
    };
    uint32_t key[CHACHA_KEY_WORDS], block[CHACHA_BLOCK_WORDS];

    for (uint32_t i = 0; i < CHACHA_KEY_WORDS; i++)
        key[i] = 0x03020100 + i * 0x04040404;
    chacha_block(key, 1, nonce, block);
    for (unsigned i = 0; i < CHACHA_BLOCK_WORDS; i++)
        CHECK_EQ(block[i], expected[i]);
}

static struct random_state state_now(void)
{
    struct random_state state;

    random_state_get(&state);
    return state;
}

TEST(random_nothing_without_sources)
{
    uint64_t number = 0;

    CHECK_EQ(random_bytes(&number, sizeof(number)), -EIO);
    CHECK_EQ(number, 0);
    CHECK(!state_now().ready);
    CHECK_EQ(state_now().given_bytes, 0);
}

TEST(random_processor_is_believed_half)
{
    uint64_t number;

    shim_random = unit_random;
    CHECK_EQ(random_bytes(&number, sizeof(number)), 0);
    CHECK(state_now().ready);
    CHECK_EQ(state_now().bits, 512);
    CHECK_EQ(random_bytes(&number, sizeof(number)), 0);
    CHECK_EQ(state_now().bits, 512 + 32);
    CHECK_EQ(state_now().given_bytes, 16);
}

static uint64_t stuck(void)
{
    return UINT64_C(0x123456789);
}

static uint64_t all_ones(void)
{
    return UINT64_MAX;
}

TEST_CASES(random_broken_processor, 2)
{
    uint64_t number;

    shim_random = test_case ? stuck : all_ones;
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(random_bytes(&number, sizeof(number)), -EIO);
}

static struct random_source device;
static unsigned asked;

static void ask(struct random_source *source)
{
    CHECK(source == &device);
    asked++;
}

static void count(const struct random_source *source, void *arg)
{
    if (source == &device)
        CHECK_EQ(source->bytes, 64);
    (*(unsigned *)arg)++;
}

TEST(random_sources_are_asked_once_a_minute)
{
    uint8_t bytes[64] = {1};
    unsigned sources = 0;

    device = (struct random_source){.name = "device", .ask = ask};
    random_source_add(&device);
    CHECK_EQ(random_bytes(bytes, sizeof(bytes)), -EIO);
    CHECK_EQ(asked, 1);
    random_add(&device, bytes, sizeof(bytes), 255);
    CHECK_EQ(random_bytes(bytes, sizeof(bytes)), -EIO);
    CHECK_EQ(asked, 1);
    random_add(&device, bytes, 0, 1);
    CHECK_EQ(random_bytes(bytes, sizeof(bytes)), 0);
    shim_advance(60 * NS_PER_S);
    CHECK_EQ(random_bytes(bytes, sizeof(bytes)), 0);
    CHECK_EQ(asked, 2);
    random_for_each_source(count, &sources);
    CHECK_EQ(sources, 3); /* processor and jitter, too */
}

/* Every byte that was asked for is written and no other, and none repeats what came before. */
TEST(random_bytes_of_every_length)
{
    uint8_t before[300] = {0}, bytes[300];

    shim_random = unit_random;
    for (unsigned size = 0; size < 200; size++) {
        unsigned same = 0;

        memset(bytes, 0xa5, sizeof(bytes));
        CHECK_EQ(random_bytes(bytes + 8, size), 0);
        for (unsigned i = 0; i < sizeof(bytes); i++) {
            if (i < 8 || i >= 8 + size)
                CHECK_EQ(bytes[i], 0xa5);
            else
                same += bytes[i] == before[i];
        }
        CHECK(same <= 3 + size / 16);
        memcpy(before, bytes, sizeof(before));
    }
}

TEST(random_bytes_repeat_nothing)
{
    static uint8_t bytes[100 * 64];

    shim_random = unit_random;
    CHECK_EQ(random_bytes(bytes, sizeof(bytes)), 0);
    for (unsigned i = 64; i < sizeof(bytes); i += 64)
        CHECK(memcmp(bytes + i - 64, bytes + i, 64) != 0);
}

/* Half of all bits are set, in every place of a byte. */
TEST(random_bits_are_even)
{
    static uint8_t bytes[1 << 16];

    shim_random = unit_random;
    CHECK_EQ(random_bytes(bytes, sizeof(bytes)), 0);
    for (unsigned bit = 0; bit < 8; bit++) {
        unsigned ones = 0;

        for (unsigned i = 0; i < sizeof(bytes); i++)
            ones += bytes[i] >> bit & 1;
        CHECK(ones > sizeof(bytes) / 2 - 1024 && ones < sizeof(bytes) / 2 + 1024);
    }
}

/* ---- jitter ---- */

static uint64_t now;

static uint64_t shaken_cycles(void)
{
    return now += 100 + unit_random_below(50);
}

TEST(random_jitter_reaches_every_word)
{
    uint64_t folded[JITTER_WORDS] = {0}, other[JITTER_WORDS] = {0};

    jitter_collect(folded);
    jitter_collect(other);
    for (unsigned i = 0; i < JITTER_WORDS; i++)
        CHECK(folded[i] && other[i] && folded[i] != other[i]);
}
