/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every driver checks of a frame before it is sent.
 */
#include "internal.h"
#include <neap/errors.h>
#include <neap/page.h>

#define VLAN_TAG_BYTES 4
#define VLAN_TAG_AT    12
#define VLAN_TAG       0x81 /* followed by 0 */

static const uint32_t segmentation_caps[] = {
    [NETDEV_SEGMENT_NONE] = 0,
    [NETDEV_SEGMENT_TCP4] = NETDEV_CAP_TSO4,
    [NETDEV_SEGMENT_TCP6] = NETDEV_CAP_TSO6,
    [NETDEV_SEGMENT_UDP] = NETDEV_CAP_USO,
};

static int check_segmentation(const struct netdev_info *info, const struct netdev_tx *tx,
                              uint32_t length)
{
    uint32_t largest = info->mtu + NETDEV_HEADER_BYTES + VLAN_TAG_BYTES;

    if (tx->segmentation >= ARRAY_SIZE(segmentation_caps) || !tx->checksum ||
        !tx->segment_size || tx->header_length >= length || tx->csum_start >= tx->header_length)
        return -EINVAL;
    if (!(info->caps & segmentation_caps[tx->segmentation]) ||
        (tx->ecn && !(info->caps & NETDEV_CAP_TSO_ECN)))
        return -ENOTSUP;
    if ((uint32_t)tx->header_length + tx->segment_size > largest ||
        length > NETDEV_FRAME_MAX + VLAN_TAG_BYTES)
        return -EMSGSIZE;
    return 0;
}

/* A tag belongs to the link's header, which an MTU does not count. */
static bool is_tagged(const struct netdev_tx *tx)
{
    const uint8_t *tag = (const uint8_t *)phys_to_virt(tx->pieces[0].phys) + VLAN_TAG_AT;

    return tx->pieces[0].length >= NETDEV_HEADER_BYTES && tag[0] == VLAN_TAG && !tag[1];
}

static int check_length(const struct netdev_info *info, const struct netdev_tx *tx,
                        uint32_t length)
{
    uint32_t largest = (uint32_t)info->mtu + NETDEV_HEADER_BYTES;

    if (length <= largest || (length <= largest + VLAN_TAG_BYTES && is_tagged(tx)))
        return 0;
    return -EMSGSIZE;
}

static int check(const struct netdev_info *info, const struct netdev_tx *tx, uint32_t *total)
{
    uint64_t length = 0;

    if (!tx->nr_pieces || !tx->token)
        return -EINVAL;
    if (tx->nr_pieces > NETDEV_TX_PIECES_MAX)
        return -EMSGSIZE;
    for (unsigned i = 0; i < tx->nr_pieces; i++) {
        if (!tx->pieces[i].length)
            return -EINVAL;
        length += tx->pieces[i].length;
    }
    if (length < NETDEV_HEADER_BYTES)
        return -EINVAL;
    *total = (uint32_t)MIN(length, UINT32_MAX);
    if (tx->checksum) {
        if (!(info->caps & NETDEV_CAP_TX_CSUM))
            return -ENOTSUP;
        if ((uint64_t)tx->csum_start + tx->csum_offset + 2 > length)
            return -EINVAL;
    }
    if (tx->segmentation)
        return check_segmentation(info, tx, *total);
    return check_length(info, tx, *total);
}

int netdev_transmit(struct netdev *dev, unsigned queue, const struct netdev_tx *tx, bool more)
{
    uint32_t length;
    int error;

    if (queue >= dev->info.nr_queues)
        return -EINVAL;
    error = check(&dev->info, tx, &length);
    if (!error && (!READ_ONCE(dev->info.live) || !READ_ONCE(dev->info.link)))
        error = -ENETDOWN;
    if (error) {
        dev->queues[queue].stats.tx_refused++;
        return error;
    }
    return dev->ops->transmit(dev, queue, tx, length, more);
}

void netdev_flush(struct netdev *dev, unsigned queue)
{
    if (queue < dev->info.nr_queues)
        dev->ops->flush(dev, queue);
}
