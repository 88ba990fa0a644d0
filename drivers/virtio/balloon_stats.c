/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory statistics for the host: one buffer that the device keeps until it wants new figures.
 *
 * They are made in the system work queue, not by the worker, so they come while it inflates.
 * All ten tags of the specification are sent every time (BALLOON-023), 100 bytes. The text of
 * BALLOON-020, a multiple of 6 bytes, dates from an entry of 6 bytes that never existed: with
 * entries of 10 bytes all devices take any number of them.
 */
#include "balloon.h"
#include <neap/endian.h>
#include <neap/memory.h>
#include <string.h>

enum stats_tag {
    STATS_SWAP_IN,
    STATS_SWAP_OUT,
    STATS_MAJOR_FAULTS,
    STATS_MINOR_FAULTS,
    STATS_FREE,
    STATS_TOTAL,
    STATS_AVAILABLE,
    STATS_CACHES,
    STATS_HUGE_ALLOCATED,
    STATS_HUGE_FAILED,
};

/* An entry is 2 + 8 bytes without padding, so values lie unaligned. */
static void put_stat(uint8_t *stats, enum stats_tag tag, uint64_t value)
{
    uint8_t *entry = stats + tag * BALLOON_STATS_ENTRY_BYTES;
    uint16_t tag_field = le16((uint16_t)tag);
    uint64_t value_field = le64(value);

    memcpy(entry, &tag_field, sizeof(tag_field));
    memcpy(entry + sizeof(tag_field), &value_field, sizeof(value_field));
}

/*
 * There is no swap, no page cache, no pool of huge pages and no fault that waits for a disk, so
 * those figures are 0 in truth. What is ballooned is not ours to use: it is not in the total.
 */
static void fill(struct balloon *balloon)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    memset(balloon->stats, 0, BALLOON_STATS_TAGS * BALLOON_STATS_ENTRY_BYTES);
    for (unsigned tag = 0; tag < BALLOON_STATS_TAGS; tag++)
        put_stat(balloon->stats, tag, 0);
    put_stat(balloon->stats, STATS_FREE, stats.free);
    put_stat(balloon->stats, STATS_TOTAL, stats.total - stats.ballooned);
    put_stat(balloon->stats, STATS_AVAILABLE, stats.free);
    balloon->count.stats++;
}

int balloon_stats_offer(struct balloon *balloon)
{
    struct virtio_sg sg = {
        .phys = virt_to_phys(balloon->stats),
        .length = BALLOON_STATS_TAGS * BALLOON_STATS_ENTRY_BYTES,
    };

    fill(balloon);
    return virtqueue_add(balloon->queues[BALLOON_STATS], &sg, 1, 0, balloon->stats);
}

static void renew(struct virtio_device *dev)
{
    struct balloon *balloon = dev->driver_data;
    struct virtqueue *queue = balloon->queues[BALLOON_STATS];

    if (!virtqueue_take(queue, NULL))
        return;
    if (!balloon_stats_offer(balloon))
        virtqueue_kick(queue);
}

void balloon_stats_callback(struct virtqueue *queue, void *arg)
{
    struct balloon *balloon = arg;

    (void)queue;
    virtio_work_queue(&balloon->stats_work);
}

void balloon_stats_init(struct balloon *balloon, struct virtio_device *dev)
{
    virtio_work_init(&balloon->stats_work, dev, renew);
}
