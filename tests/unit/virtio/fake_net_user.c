/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user of a network device: what the stack is in the kernel.
 */
#include "fake_net.h"
#include <neap/alloc.h>
#include <string.h>

struct fake_user user;

void make_frame(uint8_t *frame, uint32_t length, unsigned seed)
{
    for (uint32_t i = 0; i < length; i++)
        frame[i] = (uint8_t)(seed * 31 + i * 7 + i / 251);
}

bool is_frame(const uint8_t *frame, uint32_t length, unsigned seed)
{
    for (uint32_t i = 0; i < length; i++)
        if (frame[i] != (uint8_t)(seed * 31 + i * 7 + i / 251))
            return false;
    return true;
}

/* What the contract says of a frame, and its bytes. */
static void copy_frame(const struct netdev_buffer *frame)
{
    const struct netdev_buffer *piece = frame;
    uint32_t done = 0;
    unsigned pieces = 0;

    CHECK(frame->length >= NETDEV_HEADER_BYTES);
    CHECK(frame->frame_length <= sizeof(user.frame));
    for (; piece; piece = piece->next, pieces++) {
        CHECK(piece->length > 0);
        memcpy(user.frame + done, piece->data, piece->length);
        done += piece->length;
    }
    CHECK_EQ(done, frame->frame_length);
    CHECK_EQ(pieces, frame->nr_pieces);
    user.last = *frame;
}

static void receive(void *arg, unsigned queue, struct netdev_buffer *frames)
{
    unsigned batch = 0;

    CHECK(arg == &user);
    CHECK(thread_may_sleep());
    user.last_queue = queue;
    while (frames) {
        struct netdev_buffer *next = frames->next_frame;

        copy_frame(frames);
        user.frames++;
        batch++;
        memset(frames->stack, 0xee, sizeof(frames->stack));
        if (user.keep) {
            frames->next_frame = user.kept;
            user.kept = frames;
        } else {
            netdev_release_frame(frames);
        }
        frames = next;
    }
    user.batches++;
    user.largest_batch = MAX(user.largest_batch, batch);
    if (user.on_receive)
        user.on_receive();
}

static void completed(void *arg, unsigned queue, void *token)
{
    (void)queue;
    CHECK(arg == &user);
    user.completed++;
    user.last_token = token;
}

static void ready(void *arg, unsigned queue)
{
    (void)queue;
    CHECK(arg == &user);
    CHECK(thread_may_sleep());
    user.ready++;
}

static void event(void *arg, unsigned events)
{
    CHECK(arg == &user);
    CHECK(thread_may_sleep());
    user.events |= events;
    user.event_calls++;
}

void user_open(void)
{
    static const struct netdev_upcalls upcalls = {receive, completed, ready, event};

    CHECK_EQ(netdev_open(wire_netdev(), &upcalls, &user), 0);
    shim_settle();
}

/* Frames lie in one page that is never freed: the device has read them when a call returns. */
int user_send(unsigned queue, uint32_t length, unsigned seed, void *token)
{
    static struct page *page;
    struct netdev_piece piece;
    struct netdev_tx tx = {.pieces = &piece, .nr_pieces = 1, .token = token};

    if (!page)
        page = alloc_pages(5, PAGE_KERNEL, 0);
    CHECK(page && length <= 32 * PAGE_SIZE);
    make_frame(page_to_virt(page), length, seed);
    piece = (struct netdev_piece){page_to_phys(page), length};
    return netdev_transmit(wire_netdev(), queue, &tx, false);
}
