/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench: sending the smallest frame through a network device that nobody uses: from the call of
 * netdev_transmit() until its token is back, without the stack above and the device below.
 */
#include "net.h"
#include <neap/alloc.h>
#include <neap/bench.h>
#include <neap/thread.h>
#include <string.h>

#define FRAME_BYTES 60 /* with its sum, 64 bytes on a wire */
#define HEADROOM    64
#define BURST       64
#define ROUNDS      64
#define DEVICE_NS   (100 * 1000) /* between two looks */
#define PATIENCE_NS NS_PER_S     /* for the device to send a burst */

struct sender {
    struct netdev *dev;
    struct page *memory; /* one frame, sent again and again */
    unsigned completed;
    const char *failed;
};

static void drop(void *arg UNUSED, unsigned queue UNUSED, struct netdev_buffer *frames)
{
    while (frames) {
        struct netdev_buffer *next = frames->next_frame;

        netdev_release_frame(frames);
        frames = next;
    }
}

static void completed(void *arg, unsigned queue UNUSED, void *token UNUSED)
{
    struct sender *sender = arg;

    __atomic_add_fetch(&sender->completed, 1, __ATOMIC_RELAXED);
}

static const struct netdev_upcalls upcalls = {.receive = drop, .completed = completed};

static void open_unused(struct netdev *dev, void *arg)
{
    struct sender *sender = arg;

    if (!sender->dev && !netdev_open(dev, &upcalls, sender))
        sender->dev = dev;
}

static uint64_t send_burst(struct sender *sender)
{
    const struct netdev_piece piece = {page_to_phys(sender->memory) + HEADROOM, FRAME_BYTES};
    const struct netdev_tx tx = {
        .pieces = &piece, .nr_pieces = 1, .headroom = HEADROOM, .token = sender};
    uint64_t begin = arch_cycles();

    for (unsigned i = 0; i < BURST; i++) {
        if (netdev_transmit(sender->dev, 0, &tx, i + 1 < BURST))
            sender->failed = "the device does not take frames";
    }
    return arch_cycles() - begin;
}

/*
 * What the poll thread does. Returns 0 when that thread was faster with some of the frames; the
 * time in which the device works does not count.
 */
static uint64_t complete_burst(struct sender *sender)
{
    struct net_pair *pair = to_net(sender->dev)->pairs[0];
    uint64_t cycles = 0, give_up = clock_ns() + PATIENCE_NS;

    while (READ_ONCE(sender->completed) < BURST && !sender->failed) {
        unsigned before;
        uint64_t begin;

        thread_sleep_ns(DEVICE_NS);
        before = READ_ONCE(sender->completed);
        begin = arch_cycles();
        net_tx_poll(pair);
        cycles = arch_cycles() - begin;
        if (before > 0)
            cycles = 0;
        if (clock_ns() > give_up)
            sender->failed = "the device does not send";
    }
    return cycles;
}

static void measure(struct sender *sender, struct bench_result *result)
{
    memset(page_to_virt(sender->memory), 0xff, PAGE_SIZE);
    for (unsigned i = 0; i < ROUNDS && !sender->failed; i++) {
        uint64_t sending, completing;

        sender->completed = 0;
        sending = send_burst(sender);
        completing = complete_burst(sender);
        if (completing) {
            result->cycles += sending + completing;
            result->ops += BURST;
        }
    }
    result->skipped = sender->failed;
}

static void net_transmit_bench(struct bench_result *result)
{
    struct sender sender = {.memory = alloc_pages(0, PAGE_KERNEL, ALLOC_DEFAULT)};

    if (sender.memory)
        netdev_for_each(open_unused, &sender);
    if (sender.dev) {
        measure(&sender, result);
        netdev_close(sender.dev);
    } else {
        result->skipped = "there is no network device without a user";
    }
    if (sender.memory)
        free_pages(sender.memory, 0);
}
BENCH(net_transmit_bench, "net-transmit", "send a frame of 64 bytes and take it back");
