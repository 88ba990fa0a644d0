/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network devices by raw frames, without the stack: an ARP request to the gateway of QEMU's
 * user network, and its answer. Skipped where there is no such device, or the stack has it.
 */
#include "guest.h"
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/loopback.h>
#include <neap/netdev.h>
#include <neap/page.h>
#include <string.h>

#define ARP_BYTES  42
#define FRAME_ROOM 64 /* in front of the frame */

static const uint8_t gateway[4] = {10, 0, 2, 2}, own[4] = {10, 0, 2, 15};

static struct {
    struct netdev *dev;
    struct netdev_info info;
    unsigned received, completed, answers;
    uint8_t *memory;
} n;

static void take_first(struct netdev *dev, void *arg)
{
    static const uint8_t loopback[NETDEV_MAC_BYTES] = LOOPBACK_NET_MAC;

    (void)arg;
    netdev_info_get(dev, &n.info);
    if (!n.dev && memcmp(n.info.mac, loopback, sizeof(loopback)) != 0)
        n.dev = dev;
}

static bool is_answer(const struct netdev_buffer *frame)
{
    return frame->length >= ARP_BYTES && frame->data[12] == 0x08 && frame->data[13] == 0x06 &&
           frame->data[21] == 2 && !memcmp(frame->data + 28, gateway, 4) &&
           !memcmp(frame->data + 32, n.info.mac, NETDEV_MAC_BYTES);
}

static void receive(void *arg, unsigned queue, struct netdev_buffer *frames)
{
    (void)arg;
    (void)queue;
    while (frames) {
        struct netdev_buffer *next = frames->next_frame;

        __atomic_add_fetch(&n.received, 1, __ATOMIC_RELAXED);
        if (is_answer(frames))
            __atomic_add_fetch(&n.answers, 1, __ATOMIC_RELEASE);
        netdev_release_frame(frames);
        frames = next;
    }
}

static void completed(void *arg, unsigned queue, void *token)
{
    (void)arg;
    (void)queue;
    if (token == n.memory)
        __atomic_add_fetch(&n.completed, 1, __ATOMIC_RELEASE);
}

static const struct netdev_upcalls upcalls = {.receive = receive, .completed = completed};

static void compose(uint8_t *frame)
{
    static const uint8_t request[] = {0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1};

    memset(frame, 0, ARP_BYTES);
    memset(frame, 0xff, NETDEV_MAC_BYTES);
    memcpy(frame + 6, n.info.mac, NETDEV_MAC_BYTES);
    memcpy(frame + 12, request, sizeof(request));
    memcpy(frame + 22, n.info.mac, NETDEV_MAC_BYTES);
    memcpy(frame + 28, own, sizeof(own));
    memcpy(frame + 38, gateway, sizeof(gateway));
}

static bool all_here(void *arg)
{
    unsigned wanted = *(unsigned *)arg;

    return __atomic_load_n(&n.answers, __ATOMIC_ACQUIRE) >= wanted &&
           __atomic_load_n(&n.completed, __ATOMIC_ACQUIRE) >= wanted;
}

/* Alternately with the header in front of the frame and in the driver's own memory. */
static void ask(struct selftest *t, unsigned times)
{
    struct netdev_piece piece = {virt_to_phys(n.memory + FRAME_ROOM), ARP_BYTES};
    struct netdev_tx tx = {.pieces = &piece, .nr_pieces = 1, .token = n.memory};

    for (unsigned i = 1; i <= times; i++) {
        tx.headroom = i % 2 ? FRAME_ROOM : 0;
        EXPECT_EQ(t, netdev_transmit(n.dev, 0, &tx, false), 0);
        EXPECT(t, eventually(all_here, &i));
    }
}

static void test_arp(struct selftest *t)
{
    int error;

    memset(&n, 0, sizeof(n));
    netdev_for_each(take_first, NULL);
    if (!n.dev) {
        selftest_skip(t, "no network device (start QEMU with -netdev user)");
        return;
    }
    netdev_info_get(n.dev, &n.info);
    n.memory = kmalloc(256, 0);
    EXPECT(t, n.memory != NULL);
    if (!n.memory)
        return;
    compose(n.memory + FRAME_ROOM);
    error = netdev_open(n.dev, &upcalls, NULL);
    if (error == -EBUSY) {
        selftest_skip(t, "the network stack uses the device");
    } else {
        EXPECT_EQ(t, error, 0);
        if (!error) {
            ask(t, 20);
            netdev_close(n.dev);
        }
    }
    kfree(n.memory);
}
SELFTEST(net_arp_request_is_answered, test_arp);
