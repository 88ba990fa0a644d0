/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is told what and when: kicks, callbacks, waiting.
 */
#include "../../../drivers/virtio/ring_layout.h"
#include "fake.h"
#include <errno.h>

static struct fake *fake;
static struct virtqueue *queue;
static char tokens[64];

static const int plain[] = {-1};
static const int event_index[] = {VIRTIO_F_EVENT_IDX, -1};

static void start(unsigned size, const int *features)
{
    shim_boot(64 * MIB);
    fake = fake_live(size, features);
    queue = script.queues[0];
}

/* One readable piece. */
static int add(void *token)
{
    struct virtio_sg sg = {0x10000, 100};

    return virtqueue_add(queue, &sg, 1, 0, token);
}

static struct vringd_chain pop(void)
{
    struct vringd_chain chain;

    CHECK_EQ(fake_pop(fake, 0, &chain), 1);
    return chain;
}

static struct ring_available *avail(void)
{
    return shim_phys(fake->queues[0].areas.driver);
}

static struct ring_used *used(void)
{
    return shim_phys(fake->queues[0].areas.device);
}

TEST(ring_flags_decide_about_kicks)
{
    start(8, plain);
    *ring_avail_event(used(), 8) = le16(77); /* RING-SPLIT-020: ignored */
    CHECK_EQ(add(&tokens[0]), 0);
    used()->flags = le16(USED_F_NO_NOTIFY);
    virtqueue_kick(queue);
    CHECK_EQ(fake->queues[0].notified, 0);
    used()->flags = 0;
    virtqueue_kick(queue);
    CHECK_EQ(fake->queues[0].notified, 0); /* nothing new since the last call */
    CHECK_EQ(add(&tokens[1]), 0);
    virtqueue_kick(queue);
    CHECK_EQ(fake->queues[0].notified, 1);
    CHECK_EQ(fake->queues[0].last_data, 0);
}

/* RING-SPLIT-024 and -025: exactly when the entry of that index was added. */
TEST_CASES(ring_event_decides_about_kicks, 4)
{
    uint16_t *event;

    start(16, event_index);
    event = ring_avail_event(used(), 16);
    *event = le16((uint16_t)test_case);
    used()->flags = le16(test_case % 2); /* RING-SPLIT-023: ignored */
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(add(&tokens[i]), 0);
        virtqueue_kick(queue);
        CHECK_EQ(fake->queues[0].notified, i >= test_case);
    }
    *event = le16((uint16_t)(4 + test_case));
    for (unsigned i = 4; i < 8; i++)
        CHECK_EQ(add(&tokens[i]), 0);
    virtqueue_kick(queue); /* any entry of the batch counts */
    CHECK_EQ(fake->queues[0].notified, 2);
}

TEST(ring_event_after_65536_adds_without_kick)
{
    start(4, event_index);
    *ring_avail_event(used(), 4) = le16(0x8000);
    for (unsigned i = 0; i < 65536; i++) {
        struct vringd_chain chain;

        CHECK_EQ(add(tokens), 0);
        CHECK_EQ(vringd_pop(&fake->queues[0].ring, &chain), 1);
        vringd_push(&fake->queues[0].ring, chain.head, 0);
        CHECK(virtqueue_take(queue, NULL) == tokens);
    }
    virtqueue_kick(queue);
    CHECK_EQ(fake->queues[0].notified, 1);
}

TEST_CASES(ring_callbacks_on_and_off, 2)
{
    start(8, test_case ? event_index : plain);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(add(&tokens[i]), 0);
    virtqueue_disable_callback(queue);
    CHECK_EQ(le16(avail()->flags), test_case ? 0 : AVAIL_F_NO_INTERRUPT); /* RING-SPLIT-014 */
    fake_answer(fake, 0, pop().head, 0);
    CHECK_EQ(script.callbacks, 0);
    CHECK(virtqueue_enable_callback(queue));
    CHECK_EQ(le16(avail()->flags), 0);
    CHECK(virtqueue_take(queue, NULL) == &tokens[0]);
    CHECK(!virtqueue_enable_callback(queue));
    fake_answer(fake, 0, pop().head, 0);
    CHECK_EQ(script.callbacks, 1);
    /* Not taken yet: with an event index no second interrupt comes. */
    fake_answer(fake, 0, pop().head, 0);
    CHECK_EQ(script.callbacks, test_case ? 1 : 2);
    CHECK(virtqueue_take(queue, NULL) == &tokens[1]);
    CHECK(virtqueue_take(queue, NULL) == &tokens[2]);
    fake_answer(fake, 0, pop().head, 0);
    CHECK_EQ(script.callbacks, test_case ? 2 : 3);
}

TEST_CASES(ring_without_callback_stays_quiet, 2)
{
    script.no_callback = true;
    start(8, test_case ? event_index : plain);
    for (unsigned i = 0; i < 100; i++) {
        CHECK_EQ(add(tokens), 0);
        fake->queues[0].wants_interrupt = true;
        vringd_push(&fake->queues[0].ring, pop().head, 0);
        CHECK(!vringd_wants_interrupt(&fake->queues[0].ring));
        virtio_queue_interrupt(&fake->dev, 0); /* RING-SPLIT-016: tolerated */
        CHECK(virtqueue_take(queue, NULL) == tokens);
    }
}

TEST(ring_notification_data)
{
    static const int features[] = {VIRTIO_F_NOTIFICATION_DATA, -1};

    start(8, features);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(add(&tokens[i]), 0);
    virtqueue_kick(queue);
    CHECK_EQ(fake->queues[0].last_data, 3u << 16);
}

static void raise_later(void *arg)
{
    thread_sleep_ns(*(uint64_t *)arg);
    fake_serve_all(fake, 0);
}

TEST_CASES(ring_wait, 3)
{
    static const uint64_t after[] = {5, 9, 11}; /* seconds; the patience is 10 */
    static uint64_t delay;
    int error;

    start(8, plain);
    delay = after[test_case] * UINT64_C(1000000000);
    CHECK_EQ(add(tokens), 0);
    thread_create("device", THREAD_NORMAL, raise_later, &delay);
    error = virtqueue_wait(queue, &script.waiters);
    CHECK_EQ(error, test_case == 2 ? -ETIMEDOUT : 0);
    CHECK_EQ(shim_log_count("no answer for 10 s"), test_case == 2);
    if (test_case == 2) {
        CHECK(virtqueue_broken(queue));
        CHECK_EQ(virtqueue_wait(queue, &script.waiters), -EIO);
    } else {
        CHECK(virtqueue_take(queue, NULL) == tokens);
    }
}
