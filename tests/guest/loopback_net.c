/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network driver above a device made of software: frames come back as they were sent, with
 * every kind of ring, and after everything that the device does wrong.
 */
#include "guest.h"
#include "loopback.h"
#include <neap/alloc.h>
#include <neap/errors.h>
#include <neap/netdev.h>
#include <neap/page.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <string.h>

#define RX 0
#define TX 1

/* Fewer than the buffers of a quiet receive queue: a burst of more may lose some. */
#define FRAMES     24u
#define FRAME_MIN  60u
#define FRAME_MAX  1514u
#define FRAME_ROOM 64u /* in front of the frame */
#define PROBE      254 /* in the place of a frame's number */

static struct {
    struct loopback *loopback;
    struct netdev *dev;
    struct page *memory[FRAMES];
    unsigned pokes;             /* frames that only make the driver look at its queue */
    unsigned round;             /* in each frame, so that none of before counts */
    unsigned sent[FRAMES];      /* 1: the device took it */
    unsigned completed[FRAMES]; /* times that the token came back */
    /* Times that the frame came back, of even rounds and of odd ones. */
    unsigned received[2][FRAMES];
    unsigned damaged, strangers; /* received */
    unsigned probe, echo;        /* the last probe that was sent, and the last that came back */
    uint64_t next_probe_ns;
} l;

static uint32_t length_of(unsigned i)
{
    return FRAME_MIN + i * (FRAME_MAX - FRAME_MIN) / (FRAMES - 1);
}

static uint8_t byte_of(unsigned round, unsigned i, uint32_t at)
{
    return (uint8_t)(round * 31 + i * 7 + at * 3 + at / 255);
}

static void take_ours(struct netdev *dev, void *arg UNUSED)
{
    static const uint8_t mac[NETDEV_MAC_BYTES] = LOOPBACK_NET_MAC;
    struct netdev_info info;

    netdev_info_get(dev, &info);
    if (!memcmp(info.mac, mac, sizeof(mac)))
        l.dev = dev;
}

/* Which frame of this round is it, and are all of its bytes right? */
static void look_at(const struct netdev_buffer *frame)
{
    const unsigned round = READ_ONCE(l.round); /* which may end at this moment */
    unsigned i = frame->length >= 18 ? frame->data[16] : FRAMES;
    const struct netdev_buffer *piece = frame;
    bool good = i < FRAMES && frame->frame_length == length_of(i);

    if (i == PROBE)
        WRITE_ONCE(l.echo, frame->data[17]);
    if (i >= FRAMES || frame->data[17] != (uint8_t)round) {
        l.strangers++;
        return;
    }
    for (uint32_t at = 0; piece; piece = piece->next)
        for (uint32_t k = 0; k < piece->length; k++, at++)
            good = good && (at < 18 || piece->data[k] == byte_of(round, i, at));
    l.damaged += !good;
    __atomic_add_fetch(&l.received[round % 2][i], 1, __ATOMIC_RELEASE);
}

static void receive(void *arg UNUSED, unsigned queue UNUSED, struct netdev_buffer *frames)
{
    while (frames) {
        struct netdev_buffer *next = frames->next_frame;

        look_at(frames);
        netdev_release_frame(frames);
        frames = next;
    }
}

static void completed(void *arg UNUSED, unsigned queue UNUSED, void *token)
{
    __atomic_add_fetch((unsigned *)token, 1, __ATOMIC_RELEASE);
}

static const struct netdev_upcalls upcalls = {.receive = receive, .completed = completed};

static bool open_device(struct selftest *t)
{
    memset(&l, 0, sizeof(l));
    l.loopback = loopback_get("net");
    if (l.loopback)
        netdev_for_each(take_ours, NULL);
    EXPECT(t, l.dev != NULL);
    if (!l.dev || netdev_open(l.dev, &upcalls, NULL)) {
        selftest_skip(t, "the loopback network device is in use, or there is none");
        return false;
    }
    for (unsigned i = 0; i < FRAMES; i++) {
        l.memory[i] = alloc_pages(0, PAGE_KERNEL, ALLOC_DEFAULT);
        EXPECT(t, l.memory[i] != NULL);
        if (!l.memory[i])
            return false;
        memset(page_to_virt(l.memory[i]), 0xff, PAGE_SIZE);
    }
    return true;
}

static void close_device(void)
{
    if (l.dev)
        netdev_close(l.dev);
    for (unsigned i = 0; i < FRAMES; i++)
        if (l.memory[i])
            free_pages(l.memory[i], 0);
}

static bool is_up(void *arg UNUSED)
{
    struct netdev_info info;

    netdev_info_get(l.dev, &info);
    return info.live && info.link;
}

static bool all_completed(void *arg UNUSED)
{
    for (unsigned i = 0; i < FRAMES; i++)
        if (__atomic_load_n(&l.completed[i], __ATOMIC_ACQUIRE) != l.sent[i])
            return false;
    return true;
}

static bool all_received(void *arg UNUSED)
{
    for (unsigned i = 0; i < FRAMES; i++)
        if (!__atomic_load_n(&l.received[l.round % 2][i], __ATOMIC_ACQUIRE))
            return false;
    return true;
}

static void send(unsigned i)
{
    uint8_t *frame = (uint8_t *)page_to_virt(l.memory[i]) + FRAME_ROOM;
    struct netdev_piece piece = {page_to_phys(l.memory[i]) + FRAME_ROOM, length_of(i)};
    struct netdev_tx tx = {.pieces = &piece,
                           .nr_pieces = 1,
                           .headroom = i % 2 ? FRAME_ROOM : 0,
                           .token = &l.completed[i]};

    for (uint32_t at = 0; at < length_of(i); at++)
        frame[at] = byte_of(l.round, i, at);
    memset(frame, 0xff, NETDEV_MAC_BYTES);
    frame[16] = (uint8_t)i;
    frame[17] = (uint8_t)l.round;
    l.sent[i] = !netdev_transmit(l.dev, 0, &tx, i % 4 < 2 && i + 1 < FRAMES);
}

/* Send all frames; what came of it is up to the caller. */
static void send_round(struct selftest *t)
{
    EXPECT(t, eventually(is_up, NULL));
    memset(l.sent, 0, sizeof(l.sent));
    memset(l.completed, 0, sizeof(l.completed));
    memset(l.received[(l.round + 1) % 2], 0, sizeof(l.received[0]));
    l.round++;
    for (unsigned i = 0; i < FRAMES; i++)
        send(i);
}

/* What was sent before is through, and all receive buffers are there, when a probe comes back.
 */
static bool is_drained(void *arg UNUSED)
{
    uint8_t *frame = (uint8_t *)page_to_virt(l.memory[1]) + PAGE_SIZE / 2;
    struct netdev_piece piece = {virt_to_phys(frame), FRAME_MIN};
    struct netdev_tx tx = {.pieces = &piece, .nr_pieces = 1, .token = &l.pokes};

    if (READ_ONCE(l.echo) == l.probe)
        return true;
    if (clock_ns() < l.next_probe_ns)
        return false;
    frame[16] = PROBE;
    frame[17] = (uint8_t)l.probe;
    if (!netdev_transmit(l.dev, 0, &tx, false)) /* again later: it may find no buffer */
        l.next_probe_ns = clock_ns() + 20 * NS_PER_MS;
    return false;
}

static void drain(struct selftest *t)
{
    EXPECT(t, eventually(is_up, NULL));
    l.probe = l.probe % 200 + 1;
    EXPECT(t, eventually(is_drained, NULL));
}

/* All frames there and back, once each. */
static void expect_good_round(struct selftest *t)
{
    send_round(t);
    EXPECT(t, eventually(all_received, NULL));
    EXPECT(t, eventually(all_completed, NULL));
    for (unsigned i = 0; i < FRAMES; i++) {
        EXPECT_EQ(t, l.sent[i], 1);
        EXPECT_EQ(t, l.completed[i], 1);
        EXPECT_EQ(t, l.received[l.round % 2][i], 1);
    }
    EXPECT_EQ(t, l.damaged, 0);
}

static void test_every_ring(struct selftest *t)
{
    if (open_device(t)) {
        for (unsigned features = 0; features < LOOPBACK_RINGS && !t->failed; features++) {
            struct netdev_stats before, after;
            uint64_t returned = l.loopback->counts[LOOPBACK_NET_FRAMES];

            loopback_choose_rings(l.loopback, features);
            netdev_stats_get(l.dev, -1, &before);
            for (unsigned i = 0; i < 10 && !t->failed; i++)
                expect_good_round(t);
            netdev_stats_get(l.dev, -1, &after);
            EXPECT_EQ(t, after.tx_frames - before.tx_frames, 10 * FRAMES);
            EXPECT_EQ(t, after.rx_frames - before.rx_frames, 10 * FRAMES);
            EXPECT_EQ(t, l.loopback->counts[LOOPBACK_NET_FRAMES] - returned, 10 * FRAMES);
            EXPECT_EQ(t, l.loopback->dev.accepted.word[0] >> VIRTIO_F_RING_PACKED & 1,
                      features & 1);
        }
        EXPECT_EQ(t, l.loopback->dev.resets, 0);
    }
    close_device();
}
SELFTEST(loopback_net_frames_return, test_every_ring);

static bool was_reset(void *arg UNUSED)
{
    return READ_ONCE(l.loopback->dev.resets) > 0;
}

/* The driver may look at what was sent only when it sends again. */
static bool was_reset_by_traffic(void *arg UNUSED)
{
    struct netdev_piece piece = {page_to_phys(l.memory[0]) + PAGE_SIZE / 2, FRAME_MIN};
    struct netdev_tx tx = {.pieces = &piece, .nr_pieces = 1, .token = &l.pokes};

    if (!was_reset(NULL) && netdev_transmit(l.dev, 0, &tx, false))
        thread_yield(); /* full, or being reset */
    return was_reset(NULL);
}

/* One fault; afterwards everything works, and no token is lost or came back twice. */
static void expect_recovery(struct selftest *t, enum loopback_fault fault, unsigned queue)
{
    const struct loopback_plan plan = {.fault = fault, .queue = queue, .after = 3, .times = 1};
    const struct loopback_plan none = {.fault = LOOPBACK_GOOD};

    WRITE_ONCE(l.loopback->dev.resets, 0);
    loopback_set_plan(l.loopback, &plan);
    send_round(t);
    switch (fault) {
    case LOOPBACK_DELAY:
    case LOOPBACK_EARLY:
    case LOOPBACK_REORDER:
        EXPECT(t, eventually(all_received, NULL));
        break;
    case LOOPBACK_DROP:
    case LOOPBACK_BROKEN:
        EXPECT_EQ(t, virtio_restart(&l.loopback->dev), 0);
        break;
    default:
        EXPECT(t, eventually(was_reset_by_traffic, NULL));
    }
    EXPECT(t, eventually(all_completed, NULL));
    loopback_set_plan(l.loopback, &none);
    drain(t);
    expect_good_round(t);
}

static void test_faults(struct selftest *t)
{
    if (open_device(t)) {
        for (unsigned packed = 0; packed < 2; packed++) {
            loopback_choose_rings(l.loopback, packed | 2 | 8);
            for (unsigned fault = LOOPBACK_DROP; fault < LOOPBACK_FAULTS; fault++)
                for (unsigned queue = RX; queue <= TX && !t->failed; queue++)
                    expect_recovery(t, (enum loopback_fault)fault, queue);
        }
        WRITE_ONCE(l.loopback->dev.resets, 0);
    }
    close_device();
}
SELFTEST(loopback_net_survives_faults, test_faults);

/* The device gives up at each single step of its start. */
static void test_steps(struct selftest *t)
{
    unsigned steps = 0;

    if (open_device(t)) {
        loopback_choose_rings(l.loopback, 31);
        expect_good_round(t);
        steps = l.loopback->steps;
        EXPECT(t, steps > 10);
        for (unsigned step = 1; step <= steps && !t->failed; step++) {
            WRITE_ONCE(l.loopback->dev.resets, 0);
            l.loopback->fail_at = step;
            EXPECT_EQ(t, virtio_restart(&l.loopback->dev), 0);
            if (loopback_has_failed(l.loopback)) /* the last steps come with traffic */
                EXPECT(t, eventually(was_reset, NULL));
            drain(t);
            expect_good_round(t);
        }
    }
    close_device();
}
SELFTEST(loopback_net_reset_at_each_step, test_steps);

static bool link_is_down(void *arg UNUSED)
{
    return !is_up(NULL);
}

static void test_link(struct selftest *t)
{
    static const uint8_t down = 0, up = 1;

    if (open_device(t)) {
        loopback_set_config(l.loopback, 6, &down, 1);
        EXPECT(t, eventually(link_is_down, NULL));
        loopback_set_config(l.loopback, 6, &up, 1);
        EXPECT(t, eventually(is_up, NULL));
        expect_good_round(t);
    }
    close_device();
}
SELFTEST(loopback_net_link, test_link);
