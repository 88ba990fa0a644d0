/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Putting segments together. Everything under net_lock().
 */
#include "burst.h"
#include "internal.h"
#include <neap/page.h>
#include <string.h>

/* What the 16 bits for a length in the network header leave to TCP, IPv4's options aside. */
#define TCP_BYTES_MAX (65535 - 60)

/* Of an even, constant number of bytes: a few comparisons of words. */
static inline __attribute__((always_inline)) bool same(const void *a, const void *b,
                                                       unsigned bytes)
{
    const uint8_t *x = a, *y = b;
    uint64_t word[2], differ = 0;
    uint16_t half[2];

    for (; bytes >= 8; bytes -= 8, x += 8, y += 8) {
        __builtin_memcpy(&word[0], x, 8);
        __builtin_memcpy(&word[1], y, 8);
        differ |= word[0] ^ word[1];
    }
    for (; bytes >= 2; bytes -= 2, x += 2, y += 2) {
        __builtin_memcpy(&half[0], x, 2);
        __builtin_memcpy(&half[1], y, 2);
        differ |= half[0] ^ half[1];
    }
    return differ == 0;
}

/* All that segments of one go have in common: lengths, ids, sums and numbers may differ. */
static bool same_network(const uint8_t *a, const uint8_t *b, bool v6)
{
    if (!same(a - NETDEV_HEADER_BYTES, b - NETDEV_HEADER_BYTES, NETDEV_HEADER_BYTES))
        return false;
    if (v6)
        return same(a, b, 4) && a[7] == b[7] && same(a + 8, b + 8, 16) &&
               same(a + 24, b + 24, 16);
    return same(a, b, 2) && same(a + 6, b + 6, 2) && a[8] == b[8] && same(a + 12, b + 12, 8);
}

static bool same_connection(const struct tcp_view *a, const struct tcp_view *b)
{
    const struct tcp_hdr *x = a->tcp, *y = b->tcp;
    unsigned options = a->headers - a->offset - TCP_HLEN;

    return a->v6 == b->v6 && a->headers == b->headers && same(&x->src, &y->src, 4) &&
           x->ackno == y->ackno && x->wnd == y->wnd &&
           (options == 0 || memcmp(x + 1, y + 1, options) == 0) &&
           same_network(a->network, b->network, a->v6);
}

static unsigned count_pieces(const struct pbuf *packet, unsigned skip)
{
    unsigned count = 0;

    for (; packet; packet = packet->next, skip = 0)
        count += packet->len > skip;
    return count;
}

static void append(struct net_burst *burst, struct pbuf *packet, const struct tcp_view *view,
                   unsigned skip)
{
    burst->flight->packets[burst->flight->nr_packets++] = packet;
    pbuf_ref(packet);
    burst->payload += view->payload;
    burst->next_sequence = lwip_ntohl(view->tcp->seqno) + view->payload;
    for (; packet; packet = packet->next, skip = 0) {
        if (packet->len > skip)
            burst->pieces[burst->nr_pieces++] = (struct netdev_piece){
                virt_to_phys((uint8_t *)packet->payload + skip), packet->len - skip};
    }
}

bool burst_begin(struct net_interface *interface, struct pbuf *packet)
{
    struct net_burst *burst = &interface->burst;
    struct tcp_view view;

    if (!tcp_view(packet, &view) ||
        !(interface->info.caps & (view.v6 ? NETDEV_CAP_TSO6 : NETDEV_CAP_TSO4)) ||
        TCPH_FLAGS(view.tcp) != TCP_ACK || view.payload == 0 ||
        count_pieces(packet, 0) > NETDEV_TX_PIECES_MAX)
        return false;
    burst->flight =
        net_malloc(sizeof(struct in_flight) + NETDEV_TX_PIECES_MAX * sizeof(struct pbuf *));
    if (!burst->flight)
        return false;
    burst->flight->single = false;
    burst->flight->nr_packets = 0;
    burst->view = view;
    burst->payload = 0;
    burst->nr_pieces = 0;
    burst->closed = false;
    append(burst, packet, &view, 0);
    return true;
}

bool burst_add(struct net_interface *interface, struct pbuf *packet)
{
    struct net_burst *burst = &interface->burst;
    struct tcp_view view;
    uint8_t flags;

    if (!burst->flight || burst->closed || !tcp_view(packet, &view))
        return false;
    flags = TCPH_FLAGS(view.tcp);
    if ((flags & ~TCP_PSH) != TCP_ACK || view.payload == 0 ||
        view.payload > burst->view.payload ||
        lwip_ntohl(view.tcp->seqno) != burst->next_sequence ||
        !same_connection(&burst->view, &view))
        return false;
    if (burst->payload + view.payload + TCP_MAX_OPTION_BYTES + TCP_HLEN > TCP_BYTES_MAX ||
        burst->nr_pieces + count_pieces(packet, view.headers) > NETDEV_TX_PIECES_MAX)
        return false;
    /* A device puts PSH on the last one only. */
    burst->closed = flags & TCP_PSH || view.payload < burst->view.payload;
    TCPH_SET_FLAG(burst->view.tcp, flags);
    append(burst, packet, &view, view.headers);
    return true;
}

unsigned frame_headroom(const struct pbuf *frame)
{
    const uint8_t *data = (const uint8_t *)frame + LWIP_MEM_ALIGN_SIZE(sizeof(*frame));

    if (!(frame->type_internal & PBUF_TYPE_FLAG_STRUCT_DATA_CONTIGUOUS))
        return 0;
    return (unsigned)((const uint8_t *)frame->payload - data);
}

void burst_describe(struct net_burst *burst, struct netdev_tx *tx)
{
    const struct tcp_view *view = &burst->view;
    uint32_t length = burst->payload + view->headers - view->offset;

    tcp_view_prepare_sum(view, length);
    *tx = (struct netdev_tx){
        .pieces = burst->pieces,
        .nr_pieces = burst->nr_pieces,
        .headroom = frame_headroom(burst->flight->packets[0]),
        .token = burst->flight,
        .checksum = true,
        .csum_start = view->offset,
        .csum_offset = offsetof(struct tcp_hdr, chksum),
    };
    if (burst->flight->nr_packets == 1)
        return;
    tcp_view_set_length(view, length);
    tx->segmentation = view->v6 ? NETDEV_SEGMENT_TCP6 : NETDEV_SEGMENT_TCP4;
    tx->header_length = view->headers;
    tx->segment_size = (uint16_t)view->payload;
}
