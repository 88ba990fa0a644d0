/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pktgen: send frames as fast as the device takes them, and say how fast that is.
 */
#include "internal.h"
#include <lwip/pbuf.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/shell.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <string.h>

#define COUNT     100000
#define COUNT_MAX (UINT64_C(1) << 40)
#define SIZE      60 /* the smallest frame: with its sum, 64 bytes on a wire */
/* Sent in turn. Each may be in flight several times: what a driver puts in front is the same.
 */
#define PACKETS     64
#define ETHER_TYPE  0x88 /* 0x88b5: for experiments, nobody listens to it */
#define ETHER_TYPE2 0xb5
#define PATIENCE_NS (10 * NS_PER_S) /* for a full queue to move */

static void free_all(struct pbuf *packets[PACKETS])
{
    for (unsigned i = 0; i < PACKETS && packets[i]; i++)
        pbuf_free(packets[i]);
}

static int make_all(struct pbuf *packets[PACKETS], const struct net_interface *interface,
                    uint16_t size)
{
    for (unsigned i = 0; i < PACKETS; i++) {
        uint8_t *bytes;

        packets[i] = pbuf_alloc(PBUF_RAW_TX, size, PBUF_RAM);
        if (!packets[i])
            return -ENOMEM;
        bytes = packets[i]->payload;
        memset(bytes, 0, size);
        memset(bytes, 0xff, NETDEV_MAC_BYTES);
        memcpy(bytes + NETDEV_MAC_BYTES, interface->info.mac, NETDEV_MAC_BYTES);
        bytes[2 * NETDEV_MAC_BYTES] = ETHER_TYPE;
        bytes[2 * NETDEV_MAC_BYTES + 1] = ETHER_TYPE2;
    }
    return 0;
}

/* Under net_lock(), which is let go in between. Returns how many were sent. */
static uint64_t send_all(struct net_interface *interface, struct pbuf *packets[PACKETS],
                         uint64_t count)
{
    uint64_t sent = 0, moved_ns = clock_ns();

    while (sent < count) {
        unsigned burst = 0;

        while (burst < PACKETS && sent + burst < count &&
               interface_transmit(&interface->netif, packets[burst]) == ERR_OK)
            burst++;
        sent += burst;
        net_unlock();
        if (burst)
            moved_ns = clock_ns();
        else
            thread_yield();
        net_lock();
        if (clock_ns() - moved_ns > PATIENCE_NS)
            break;
    }
    return sent;
}

static int generate(uint64_t count, uint16_t size)
{
    struct pbuf *packets[PACKETS] = {NULL};
    uint64_t sent = 0, begin, ns;
    int error = -ENODEV;

    net_lock();
    if (net_interfaces)
        error = make_all(packets, net_interfaces, size);
    begin = clock_ns();
    if (error == 0)
        sent = send_all(net_interfaces, packets, count);
    ns = MAX(clock_ns() - begin, 1);
    free_all(packets);
    net_unlock();
    if (error)
        return error;
    kprintf("%llu frames of %u bytes in %llu ms, %llu frames/s, %llu ns each\n",
            (unsigned long long)sent, size, (unsigned long long)(ns / NS_PER_MS),
            (unsigned long long)(sent * NS_PER_MS / MAX(ns / 1000, 1)),
            (unsigned long long)(ns / MAX(sent, 1)));
    return sent == count ? 0 : -ETIMEDOUT;
}

static int run_pktgen(int argc, char **argv)
{
    uint64_t count = COUNT, size = SIZE;

    if (argc > 3 || (argc > 1 && parse_size(argv[1], &count)) ||
        (argc > 2 && parse_size(argv[2], &size)) || count == 0 || count > COUNT_MAX ||
        size < NETDEV_HEADER_BYTES || size > UINT16_MAX)
        return -EINVAL;
    return generate(count, (uint16_t)size);
}
SHELL_COMMAND(pktgen, "pktgen [count] [size]", "send frames at full speed", run_pktgen);
