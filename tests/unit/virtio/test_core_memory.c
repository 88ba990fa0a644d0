/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio core when memory is short: nothing leaks, whatever fails.
 */
#include "fake.h"
#include <errno.h>
#include <neap/alloc.h>
#include <neap/memory.h>

static void take_all_memory(void)
{
    while (alloc_pages(0, PAGE_KERNEL, 0))
        ;
}

TEST(core_no_memory)
{
    struct fake *fake = fake_prepare(1);

    fake->queues[0].max_size = 1024;
    take_all_memory();
    CHECK_EQ(virtio_device_add(&fake->dev), -ENOMEM);
    CHECK(fake->dev.fault != NULL);
}

static uint64_t used_memory(void)
{
    struct memory_stats stats;

    alloc_drain_cpu_caches();
    memory_stats_get(&stats);
    return stats.total - stats.free;
}

/* Every allocation of a probe fails once; nothing may leak. */
TEST(core_injected_allocation_failures)
{
    struct fake *fake = fake_prepare(1);
    uint64_t before;

    fake_offer(fake, VIRTIO_F_INDIRECT_DESC);
    fake->queues[0].max_size = 1024;
    script.max_pieces = 16;
    CHECK_EQ(virtio_device_add(&fake->dev), 0);
    virtio_device_misbehaved(&fake->dev, "first");
    shim_settle();
    before = used_memory();
    for (unsigned n = 1; n < VIRTIO_RESETS_MAX; n++) {
        virtio_device_misbehaved(&fake->dev, "next");
        alloc_inject_failure(n, 1);
        shim_settle();
        alloc_inject_failure(0, 0);
        if (fake->dev.fault) {
            CHECK(used_memory() <= before);
            return;
        }
    }
    CHECK_EQ(used_memory(), before);
}
