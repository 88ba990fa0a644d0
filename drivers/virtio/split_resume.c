/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a device that was reset goes on in a split ring.
 */
#include "ring.h"
#include <arch/barrier.h>
#include <neap/log.h>

/*
 * An index can say it only for a device that uses buffers in the order in which they were
 * offered: what is available and not taken back yet must begin with what is in the used ring,
 * and go on with what is in flight.
 */
static bool used_in_turn(const struct ring *ring, unsigned offered, unsigned used)
{
    const unsigned mask = ring->queue.size - 1;

    for (unsigned i = 0; i < offered; i++) {
        unsigned at = (ring->last_used + i) & mask;
        unsigned head = le16(READ_ONCE(ring->split.available->ring[at]));

        if (head > mask || !ring->slots[head].token)
            return false;
        /* With IN_ORDER one entry may stand for several buffers. */
        if (i < used && !ring->in_order &&
            le32(READ_ONCE(ring->split.used->ring[at].id)) != head)
            return false;
    }
    return true;
}

/*
 * More buffers may be added meanwhile, so what is in flight is counted by what was published.
 * What the device has read and not used it reads again, so it goes on behind the buffer that it
 * used last. That index lies in our memory; the one that it says is only checked against it.
 */
int split_resume_at(const struct virtqueue *queue, uint16_t fetched, uint16_t *position)
{
    const struct ring *ring = to_ring(queue);
    uint16_t index = le16(READ_ONCE(ring->split.used->index));
    uint16_t used = (uint16_t)(index - ring->last_used);
    uint16_t offered =
        (uint16_t)(le16(READ_ONCE(ring->split.available->index)) - ring->last_used);
    const char *why = NULL;

    barrier_read();
    if (used > offered)
        why = "its used index runs ahead";
    else if ((uint16_t)(fetched - index) > offered - used)
        why = "it has read what was not offered";
    else if (!used_in_turn(ring, offered, used))
        why = "it does not use buffers in turn";
    *position = index;
    if (!why)
        return 0;
    log_warning("virtio", "%s: queue %u (%s): read up to %u, used up to %u: %s",
                queue->dev->name, queue->index, queue->name, fetched, index, why);
    return -EIO;
}
