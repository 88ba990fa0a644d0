/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entropy device: bytes reach the pool, few or many; a device that gives none is reset.
 */
#include "fake.h"
#include <neap/alloc.h>
#include <neap/errors.h>
#include <neap/random.h>
#include <neap/timer.h>
#include <string.h>

static struct fake *fake;
static uint32_t give; /* bytes of the next answers */

static void serve(struct fake *from, unsigned index)
{
    struct vringd_chain chain;

    while (fake_pop(from, index, &chain)) {
        CHECK_EQ(chain.out, 0);
        CHECK_EQ(chain.in, 1);
        CHECK_EQ(chain.pieces[0].length, 64);
        memset(phys_to_virt(chain.pieces[0].phys), 0x5a, MIN(give, 64u));
        fake_answer(from, index, chain.head, give);
    }
}

static void start(void)
{
    fake = fake_create(VIRTIO_ID_RNG);
    shim_boot(64 * MIB);
    fake->queues[0].max_size = 8;
    fake->queues[0].serve = serve;
    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    shim_settle();
}

static uint64_t bits(void)
{
    struct random_state state;

    random_state_get(&state);
    return state.bits;
}

TEST(rng_gives_at_start)
{
    uint64_t number = 0;

    give = 64;
    start();
    CHECK(fake->dev.live);
    CHECK_EQ(bits(), 512);
    CHECK_EQ(random_bytes(&number, sizeof(number)), 0);
    CHECK(number != 0);
}

TEST(rng_gives_when_asked)
{
    uint64_t number;

    give = 5;
    start();
    CHECK_EQ(bits(), 40);
    CHECK_EQ(random_bytes(&number, sizeof(number)), -EIO);
    shim_settle();
    CHECK_EQ(bits(), 80);
    CHECK_EQ(random_bytes(&number, sizeof(number)), -EIO);
    shim_settle();
    CHECK_EQ(bits(), 80); /* not twice in a minute */
    shim_advance(60 * NS_PER_S);
    CHECK_EQ(random_bytes(&number, sizeof(number)), -EIO);
    shim_settle();
    CHECK_EQ(bits(), 120);
}

/* A slow device is not asked again, and what comes late counts. */
TEST(rng_is_slow)
{
    struct vringd_chain chain, second;
    uint64_t number;

    fake = fake_create(VIRTIO_ID_RNG);
    shim_boot(64 * MIB);
    fake->queues[0].max_size = 8;
    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    CHECK_EQ(random_bytes(&number, sizeof(number)), -EIO);
    shim_settle();
    CHECK(fake_pop(fake, 0, &chain));
    CHECK(!fake_pop(fake, 0, &second));
    fake_answer(fake, 0, chain.head, 64);
    shim_settle();
    CHECK_EQ(bits(), 512);
    CHECK(fake_pop(fake, 0, &second)); /* for the wish of meanwhile */
}

TEST_CASES(rng_nonsense_resets, 2)
{
    give = test_case ? 65 : 0;
    start();
    CHECK_EQ(bits(), 0);
    CHECK(fake->dev.resets > 0);
}

TEST(rng_survives_a_reset)
{
    give = 64;
    start();
    CHECK_EQ(virtio_restart(&fake->dev), 0);
    shim_settle();
    CHECK_EQ(bits(), 1024);
}

/* Every allocation of the start fails once. */
TEST_CASES(rng_start_without_memory, 6)
{
    fake = fake_create(VIRTIO_ID_RNG);
    shim_boot(64 * MIB);
    fake->queues[0].max_size = 8;
    alloc_inject_failure(test_case + 1, 0);
    if (virtio_device_add(&fake->dev))
        CHECK(!fake->dev.live);
    alloc_inject_failure(0, 0);
    CHECK_EQ(virtio_restart(&fake->dev), 0);
    CHECK(fake->dev.live);
}
