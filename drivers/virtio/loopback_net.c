/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network device whose cable comes back to it: what the driver sends is received again, in
 * order and unchanged. Frames that find no receive buffer are lost, as on any wire.
 */
#include "internal.h"
#include "loopback.h"
#include "net.h"
#include <neap/endian.h>
#include <string.h>

#define RX 0
#define TX 1

#define MTU       1500u
#define FRAME_MAX (MTU + NETDEV_HEADER_BYTES + 4)
#define BYTES_MAX (NET_HEADER_BYTES + FRAME_MAX)

static const int features[] = {NET_F_MAC, NET_F_STATUS, NET_F_MTU, NET_F_MRG_RXBUF, -1};

static bool init(struct loopback *loopback)
{
    static const uint8_t mac[NETDEV_MAC_BYTES] = LOOPBACK_NET_MAC;

    memcpy(loopback->config + NET_CONFIG_MAC, mac, sizeof(mac));
    loopback->config[NET_CONFIG_STATUS] = NET_STATUS_LINK_UP;
    loopback->config[NET_CONFIG_MTU] = MTU & 0xff;
    loopback->config[NET_CONFIG_MTU + 1] = MTU >> 8;
    return true;
}

/* One frame, header in front, into the next receive buffer. */
static void deliver(struct loopback *loopback, uint8_t *bytes, uint32_t length)
{
    static struct vringd_chain chain; /* under the device's lock, and there is one device */
    struct net_header header = {.num_buffers = le16(1)};
    uint32_t written;

    if (!loopback_pop(loopback, RX, &chain)) {
        loopback->counts[LOOPBACK_NET_LOST]++;
        return;
    }
    memcpy(bytes, &header, NET_HEADER_BYTES);
    written = loopback_write(&chain, bytes, length);
    loopback->counts[written == length ? LOOPBACK_NET_FRAMES : LOOPBACK_NET_LOST]++;
    loopback_push(loopback, RX, &chain, written);
}

static void serve(struct loopback *loopback, unsigned queue)
{
    static struct vringd_chain chain;
    static uint8_t bytes[BYTES_MAX];

    if (queue != TX)
        return;
    while (loopback_pop(loopback, TX, &chain)) {
        uint32_t length = loopback_read(&chain, bytes, sizeof(bytes));

        if (length > NET_HEADER_BYTES)
            deliver(loopback, bytes, length);
        loopback_push(loopback, TX, &chain, 0);
    }
}

const struct loopback_model loopback_net = {
    .name = "net",
    .device_id = VIRTIO_ID_NET,
    .features = features,
    .config_size = NET_CONFIG_MTU + 2,
    .nr_queues = 2,
    .init = init,
    .serve = serve,
};
