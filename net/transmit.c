/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From lwIP to a device, without a copy: the packet is kept until the device has sent it. lwIP
 * sends no segment again of which somebody still holds a reference.
 */
#include "internal.h"
#include <lwip/prot/udp.h>
#include <neap/compiler.h>
#include <neap/cpu.h>
#include <neap/errors.h>
#include <neap/page.h>

#define REAP_SOON  64 /* finished packets that nobody took: wake the stack's thread */
#define SPARES_MAX 32

static struct in_flight *finished; /* atomic: pushed one by one, taken as a whole */
static unsigned nr_finished;       /* atomic, about right */

/* Records for single packets, kept for the next ones; under net_lock(). */
static struct in_flight *spares;
static unsigned nr_spares;

static struct in_flight *new_single(void)
{
    struct in_flight *flight = spares;

    if (flight) {
        spares = flight->next;
        nr_spares--;
    } else {
        flight = net_malloc(sizeof(*flight) + sizeof(struct pbuf *));
    }
    if (flight) {
        flight->single = true;
        flight->nr_packets = 0;
    }
    return flight;
}

static void free_flight(struct in_flight *flight)
{
    for (unsigned i = 0; i < flight->nr_packets; i++)
        pbuf_free(flight->packets[i]);
    if (!flight->single || nr_spares == SPARES_MAX) {
        net_free(flight);
        return;
    }
    flight->next = spares;
    spares = flight;
    nr_spares++;
}

void interface_completed(void *arg UNUSED, unsigned queue UNUSED, void *token)
{
    struct in_flight *flight = token;

    flight->next = __atomic_load_n(&finished, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&finished, &flight->next, flight, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
    if (__atomic_add_fetch(&nr_finished, 1, __ATOMIC_RELAXED) == REAP_SOON)
        net_kick();
}

void interface_reap(void)
{
    struct in_flight *flight;

    if (!__atomic_load_n(&finished, __ATOMIC_RELAXED))
        return;
    __atomic_store_n(&nr_finished, 0, __ATOMIC_RELAXED);
    flight = __atomic_exchange_n(&finished, NULL, __ATOMIC_ACQUIRE);
    while (flight) {
        struct in_flight *next = flight->next;

        free_flight(flight);
        flight = next;
    }
}

/*
 * On the queue of this CPU, so that answers come back to where the application runs: devices
 * learn from it where a flow belongs. Returns 0, or an error of netdev_transmit(). Then the
 * frames are still the caller's.
 */
static int send(struct net_interface *interface, const struct netdev_tx *tx)
{
    unsigned queue = cpu_self()->number % MAX(interface->info.nr_queues, 1u);
    int error = netdev_transmit(interface->dev, queue, tx, true);

    if (error == 0)
        interface->unflushed |= 1u << queue;
    /* From now on nothing is tried until there is room, so that the order stays. */
    interface->stalled = error == -ENOSPC;
    return error;
}

/* Send what was put together. False: there is no room for it, it waits. */
static bool emit(struct net_interface *interface)
{
    struct net_burst *burst = &interface->burst;
    struct in_flight *flight = burst->flight;
    struct netdev_tx tx;
    int error;

    if (!flight)
        return true;
    if (interface->stalled)
        return false;
    burst_describe(burst, &tx);
    error = send(interface, &tx);
    if (error == -ENOSPC)
        return false;
    burst->flight = NULL;
    if (error) {
        interface->tx_lost += flight->nr_packets;
        free_flight(flight);
    }
    return true;
}

/* One kick for everything that was sent under the lock: an answer is often more than a packet.
 */
void interfaces_flush(void)
{
    for (struct net_interface *interface = net_interfaces; interface;
         interface = interface->next) {
        (void)emit(interface);
        for (; interface->unflushed; interface->unflushed &= interface->unflushed - 1)
            netdev_flush(interface->dev, (unsigned)__builtin_ctz(interface->unflushed));
    }
}

void interface_resume(struct net_interface *interface)
{
    interface->stalled = false;
    (void)emit(interface);
}

static int send_alone(struct net_interface *interface, struct in_flight *flight)
{
    struct netdev_piece pieces[NETDEV_TX_PIECES_MAX];
    struct netdev_tx tx = {.pieces = pieces, .token = flight};
    struct pbuf *packet = flight->packets[0];
    struct tcp_view view;

    tx.headroom = frame_headroom(packet);
    if (interface->info.caps & NETDEV_CAP_TX_CSUM && tcp_view(packet, &view)) {
        tcp_view_prepare_sum(&view, (uint32_t)packet->tot_len - view.offset);
        tx.checksum = true;
        tx.csum_start = view.offset;
        tx.csum_offset = offsetof(struct tcp_hdr, chksum);
    } else if (interface->info.caps & NETDEV_CAP_TX_CSUM &&
               udp_prepare_sum(packet, &tx.csum_start)) {
        tx.checksum = true;
        tx.csum_offset = offsetof(struct udp_hdr, chksum);
    }
    for (; packet; packet = packet->next) {
        if (packet->len > 0)
            pieces[tx.nr_pieces++] =
                (struct netdev_piece){virt_to_phys(packet->payload), packet->len};
    }
    return send(interface, &tx);
}

/* With ERR_MEM, TCP keeps the segment and tries again when the queue has room. */
err_t interface_transmit(struct netif *netif, struct pbuf *packet)
{
    struct net_interface *interface = netif->state;
    struct in_flight *flight;
    int error = -ENOMEM;

    if (burst_add(interface, packet))
        return ERR_OK;
    if (!emit(interface) || interface->stalled)
        return ERR_MEM;
    if (burst_begin(interface, packet))
        return ERR_OK;
    if (pbuf_clen(packet) > NETDEV_TX_PIECES_MAX)
        packet = pbuf_clone(PBUF_RAW, PBUF_RAM, packet);
    else
        pbuf_ref(packet);
    flight = packet ? new_single() : NULL;
    if (flight) {
        flight->packets[flight->nr_packets++] = packet;
        error = send_alone(interface, flight);
    }
    if (error == 0)
        return ERR_OK;
    interface->tx_lost++;
    if (flight)
        free_flight(flight);
    else if (packet)
        pbuf_free(packet);
    return error == -ENOSPC || error == -ENOMEM ? ERR_MEM : ERR_IF;
}
