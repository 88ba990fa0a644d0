/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each device offers everything, or anything: what the drivers accept of it. The device watches
 * that nothing is accepted without what it needs (watch_steps.c).
 */
#include "fake_balloon.h"
#include "fake_mem.h"
#include "fake_net.h"

#define NOT_HERE (FEATURE(VIRTIO_F_RING_PACKED) | FEATURE(VIRTIO_F_IN_ORDER))

/* Offered in each case but the first, which is everything. */
static uint64_t offer(unsigned number)
{
    uint64_t word = number ? unit_random() : UINT64_MAX;

    for (unsigned i = 1; i < number; i++)
        word = unit_random();
    return word | FEATURE(VIRTIO_F_VERSION_1);
}

static bool has(const struct fake *fake, unsigned bit)
{
    return virtio_accepted(&fake->dev, bit);
}

/* FEAT-015, -018, -019: the ring's and the platform's are taken when they are there. */
static void check_common(const struct fake *fake)
{
    static const unsigned wanted[] = {VIRTIO_F_VERSION_1, VIRTIO_F_ACCESS_PLATFORM,
                                      VIRTIO_F_RING_PACKED, VIRTIO_F_ORDER_PLATFORM};

    for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++)
        CHECK_EQ(has(fake, wanted[i]), virtio_offered(&fake->dev, wanted[i]));
    CHECK_EQ(fake->dev.accepted.word[1], 0);
}

/* NET-002, NET-007, NET-051 */
TEST_CASES(features_of_a_network_device, 40)
{
    uint64_t word = offer(test_case);

    wire_create(word | FEATURE(NET_F_CTRL_VQ), 1, 64);
    wire.fake->offered.word[1] = offer(test_case);
    wire_boot(1);
    check_common(wire.fake);
    CHECK_EQ(has(wire.fake, NET_F_MAC), word >> NET_F_MAC & 1);
    CHECK_EQ(has(wire.fake, NET_F_MTU), word >> NET_F_MTU & 1);
    CHECK_EQ(has(wire.fake, NET_F_GUEST_HDRLEN), word >> NET_F_GUEST_HDRLEN & 1);
}

/* BALLOON-001 */
TEST_CASES(features_of_a_balloon, 20)
{
    uint64_t word = offer(test_case);

    host_create(word & ~NOT_HERE & ~FEATURE(BALLOON_F_WORKING_SET), LAYOUT_SPEC);
    host.fake->offered.word[1] = offer(test_case);
    shim_boot(64 * MIB);
    CHECK_EQ(virtio_device_add(&host.fake->dev), 0);
    check_common(host.fake);
    CHECK_EQ(has(host.fake, BALLOON_F_MUST_TELL_HOST), word & 1);
    host_set_target(100);
    host_check_agreement(100);
}

/* MEM-004 */
TEST_CASES(features_of_a_memory_device, 20)
{
    uint64_t word = offer(test_case);

    mem_host_create(0, word, 2 * MIB, 4 * GIB, 128 * MIB);
    mem_host.fake->offered.word[1] = offer(test_case);
    shim_boot(64 * MIB);
    mem_host_add();
    check_common(mem_host.fake);
    CHECK_EQ(has(mem_host.fake, VMEM_F_UNPLUGGED_INACCESSIBLE),
             word >> VMEM_F_UNPLUGGED_INACCESSIBLE & 1);
    mem_host_resize(20 * MIB);
    mem_host_check(20 * MIB);
}
