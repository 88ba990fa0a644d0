/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Putting TCP segments together for a device that cuts them up: what may follow what, and what
 * the device is told. And the checksum that is used where no device makes one.
 */
#include "../../net/internal.h"
#include "guest.h"
#include <lwip/ip.h>
#include <neap/kmalloc.h>
#include <neap/net.h>
#include <neap/page.h>
#include <string.h>

#define MSS     1000
#define HEADERS 54

static struct net_interface *interface;

/* A frame of TCP over IPv4 with so many bytes behind the headers. */
static struct pbuf *segment(uint32_t sequence, uint16_t payload, uint8_t flags)
{
    struct pbuf *packet = pbuf_alloc(PBUF_RAW, HEADERS + payload, PBUF_RAM);
    uint8_t *bytes = packet->payload;

    memset(bytes, 0x11, packet->len);
    bytes[12] = 0x08;
    bytes[13] = 0x00;
    bytes[14] = 0x45;
    bytes[20] = bytes[21] = 0; /* no fragment */
    bytes[23] = IP_PROTO_TCP;
    memcpy(bytes + 38, (uint32_t[]){lwip_htonl(sequence)}, 4);
    bytes[46] = 5 << 4;
    bytes[47] = flags;
    return packet;
}

static void forget(void)
{
    struct in_flight *flight = interface->burst.flight;

    for (unsigned i = 0; flight && i < flight->nr_packets; i++)
        pbuf_free(flight->packets[i]);
    net_free(flight);
    interface->burst.flight = NULL;
}

/* A burst of one full segment at 0; does another frame join it? Consumes the frame. */
static bool joins(struct pbuf *packet)
{
    struct pbuf *first = segment(0, MSS, TCP_ACK);
    bool joined = burst_begin(interface, first) && burst_add(interface, packet);

    forget();
    pbuf_free(first);
    pbuf_free(packet);
    return joined;
}

static struct pbuf *damaged(unsigned offset)
{
    struct pbuf *packet = segment(MSS, MSS, TCP_ACK);

    ((uint8_t *)packet->payload)[offset] ^= 2;
    return packet;
}

/* Fields in which segments of one go are the same. */
static void check_fields(struct selftest *t)
{
    static const uint8_t same[] = {0, 6, 15, 20, 22, 26, 30, 34, 36, 38, 42, 47, 48};

    for (unsigned i = 0; i < ARRAY_SIZE(same); i++)
        EXPECT(t, !joins(damaged(same[i])));
    EXPECT(t, joins(damaged(18))); /* the datagram's id */
    EXPECT(t, joins(damaged(24))); /* sums */
    EXPECT(t, joins(damaged(50)));
    EXPECT(t, joins(segment(MSS, MSS, TCP_ACK)));
    EXPECT(t, joins(segment(MSS, 1, TCP_ACK)));
    EXPECT(t, joins(segment(MSS, MSS, TCP_ACK | TCP_PSH)));
    EXPECT(t, !joins(segment(MSS, MSS + 2, TCP_ACK)));
    EXPECT(t, !joins(segment(MSS, 0, TCP_ACK)));
    EXPECT(t, !joins(segment(MSS + 1, MSS, TCP_ACK)));
    EXPECT(t, !joins(segment(0, MSS, TCP_ACK)));
    EXPECT(t, !joins(segment(MSS, MSS, TCP_ACK | TCP_FIN)));
    EXPECT(t, !joins(segment(MSS, MSS, TCP_ACK | TCP_RST)));
}

/* A short segment or PSH is the last one; then the device is told everything. */
static void check_whole(struct selftest *t, uint16_t last, uint8_t flags)
{
    struct net_burst *burst = &interface->burst;
    struct pbuf *parts[4] = {segment(0, MSS, TCP_ACK), segment(MSS, MSS, TCP_ACK),
                             segment(2 * MSS, last, flags),
                             segment(2 * MSS + last, last, TCP_ACK)};
    uint8_t *first = parts[0]->payload;
    struct netdev_tx tx;

    EXPECT(t, burst_begin(interface, parts[0]));
    EXPECT(t, burst_add(interface, parts[1]));
    EXPECT(t, burst_add(interface, parts[2]));
    EXPECT(t, !burst_add(interface, parts[3]));
    burst_describe(burst, &tx);
    EXPECT_EQ(t, tx.nr_pieces, 3);
    EXPECT_EQ(t, tx.pieces[0].phys, virt_to_phys(first));
    EXPECT_EQ(t, tx.pieces[0].length, HEADERS + MSS);
    EXPECT_EQ(t, tx.pieces[1].length, MSS);
    EXPECT_EQ(t, tx.pieces[2].phys, virt_to_phys((uint8_t *)parts[2]->payload + HEADERS));
    EXPECT(t, tx.segmentation == NETDEV_SEGMENT_TCP4 && tx.checksum);
    EXPECT_EQ(t, tx.segment_size, MSS);
    EXPECT_EQ(t, tx.header_length, HEADERS);
    EXPECT_EQ(t, tx.csum_start, 34);
    EXPECT_EQ(t, first[16] << 8 | first[17], 40 + 2 * MSS + last);
    EXPECT_EQ(t, net_checksum(first + 14, 20), 0xffff);
    EXPECT_EQ(t, first[47], flags);
    forget();
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_EQ(t, parts[i]->ref, 1);
        pbuf_free(parts[i]);
    }
}

static void test_burst(struct selftest *t)
{
    struct pbuf *first;
    struct netdev_tx tx;

    interface = kcalloc(1, sizeof(*interface), 0);
    EXPECT(t, interface != NULL);
    if (!interface)
        return;
    net_lock();
    first = segment(0, MSS, TCP_ACK);
    EXPECT(t, !burst_begin(interface, first)); /* the device cannot */
    interface->info.caps = NETDEV_CAP_TSO4 | NETDEV_CAP_TX_CSUM;
    EXPECT(t, burst_begin(interface, first));
    burst_describe(&interface->burst, &tx);
    EXPECT(t, tx.segmentation == NETDEV_SEGMENT_NONE && tx.nr_pieces == 1 && tx.checksum);
    forget();
    pbuf_free(first);
    check_fields(t);
    check_whole(t, MSS - 1, TCP_ACK);
    check_whole(t, MSS, TCP_ACK | TCP_PSH);
    net_unlock();
    kfree(interface);
}
SELFTEST(socket_segments_are_put_together, test_burst);

/* Against the definition, word by word. */
static uint16_t slow_sum(const uint8_t *bytes, unsigned length)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < length; i++)
        sum += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return lwip_htons((uint16_t)sum);
}

static void test_checksum(struct selftest *t)
{
    static uint8_t bytes[1600];

    for (unsigned fill = 0; fill < 2; fill++) {
        for (unsigned i = 0; i < sizeof(bytes); i++)
            bytes[i] = fill ? 0xff : (uint8_t)(i * 167 + (i >> 3));
        for (unsigned length = 0; length < sizeof(bytes) - 8; length += length < 70 ? 1 : 97)
            for (unsigned start = 0; start < 8; start++)
                EXPECT_EQ(t, net_checksum(bytes + start, (int)length),
                          slow_sum(bytes + start, length));
    }
}
SELFTEST(socket_checksum_is_right, test_checksum);
