/* SPDX-License-Identifier: BSD-2-Clause */
/* What is offered to a device is pinned, frame by frame, until it comes back. */
#include "../../../drivers/virtio/internal.h"
#include "../../../drivers/virtio/ring_layout.h"
#include "../../../mm/notify.h"
#include "fake.h"
#include <errno.h>
#include <neap/alloc.h>
#include <neap/pin.h>
#include <string.h>

#define ORDER 6
#define PAGES (1u << ORDER)

static struct fake *fake;
static struct virtqueue *queue;
static struct page *memory;
static char tokens[64];

static const int plain[] = {-1};
static const int indirect[] = {VIRTIO_F_INDIRECT_DESC, -1};
static const int in_order[] = {VIRTIO_F_IN_ORDER, -1};
static const int packed[] = {VIRTIO_F_RING_PACKED, -1};

static void start(const int *features)
{
    shim_boot(64 * MIB);
    script.max_pieces = 4;
    fake = fake_live(8, features);
    queue = script.queues[0];
    memory = alloc_pages(ORDER, PAGE_KERNEL, 0);
    CHECK(memory != NULL);
}

static void sum_pages(const struct pin_source *source, void *arg)
{
    pfn_t first = page_to_pfn(memory);

    *(uint64_t *)arg += source->pages(source, first, first + PAGES);
}

/* Counts in the frames, which are what the rings say. */
static uint64_t pinned(void)
{
    uint64_t pins = 0, said = 0;

    for (unsigned i = 0; i < PAGES; i++)
        pins += memory[i].pins;
    pin_source_for_each(sum_pages, &said);
    CHECK_EQ(pins, said);
    return pins;
}

static struct virtio_sg piece(unsigned page, unsigned offset, uint32_t length)
{
    return (struct virtio_sg){page_to_phys(memory + page) + offset, length};
}

static void use(void)
{
    struct vringd_chain chain;

    CHECK_EQ(fake_pop(fake, 0, &chain), 1);
    fake_answer(fake, 0, chain.head, 0);
}

/* Pieces in a chain, in a table, in order; they begin and end anywhere and share a frame. */
TEST_CASES(ring_pins_until_used, 4)
{
    const int *const features[] = {plain, indirect, in_order, packed};
    struct virtio_sg sg[9];

    start(features[test_case]);
    sg[0] = piece(0, 0, 1);
    sg[1] = piece(0, 4095, 2);
    sg[2] = piece(2, 0, 3 * 4096);
    sg[3] = piece(63, 4000, 96);
    CHECK_EQ(virtqueue_add(queue, sg, 1, 3, &tokens[0]), 0);
    CHECK_EQ(memory[0].pins, 2);
    CHECK_EQ(memory[1].pins, 1);
    for (unsigned i = 2; i < 5; i++)
        CHECK_EQ(memory[i].pins, 1);
    CHECK_EQ(memory[5].pins, 0);
    CHECK_EQ(memory[63].pins, 1);
    CHECK_EQ(virtqueue_add(queue, sg, 2, 0, &tokens[1]), 0);
    CHECK_EQ(pinned(), 10);
    use();
    CHECK_EQ(pinned(), 10); /* the device is done, but nobody has looked */
    CHECK(virtqueue_take(queue, NULL) == &tokens[0]);
    CHECK_EQ(pinned(), 3);
    CHECK_EQ(virtqueue_add(queue, sg, 0, 9, &tokens[1]), -EINVAL);
    CHECK_EQ(pinned(), 3);
    use();
    CHECK(virtqueue_take(queue, NULL) == &tokens[1]);
    CHECK_EQ(pinned(), 0);
    free_pages(memory, ORDER);
}

/* What is written over the descriptors does not reach the counts. */
TEST_CASES(ring_unpins_what_it_pinned, 2)
{
    struct ring_descriptor *table;
    struct vringd_chain chain;
    struct virtio_sg sg[2];

    start(test_case ? indirect : plain);
    sg[0] = piece(1, 0, 8192);
    sg[1] = piece(7, 0, 1);
    CHECK_EQ(virtqueue_add(queue, sg, 1, 1, &tokens[0]), 0);
    CHECK_EQ(fake_pop(fake, 0, &chain), 1);
    table = shim_phys(fake->queues[0].areas.descriptor);
    if (test_case)
        memset(shim_phys(le64(table->address)), 0x11, 2 * sizeof(*table));
    memset(table, 0x11, 8 * sizeof(*table));
    fake_answer(fake, 0, chain.head, 0);
    CHECK(virtqueue_take(queue, NULL) == &tokens[0]);
    CHECK_EQ(pinned(), 0);
}

/* The descriptor of a buffer in one frame is the first of a buffer in many, and back. */
TEST_CASES(ring_buffers_follow_each_other, 2)
{
    struct virtio_sg one, many[2];

    start(test_case ? indirect : plain);
    one = piece(9, 10, 4086);
    many[0] = piece(1, 0, 8192);
    many[1] = piece(7, 0, 1);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(virtqueue_add(queue, i % 2 ? many : &one, 0, 1 + i % 2, &tokens[i]), 0);
        CHECK_EQ(pinned(), i % 2 ? 3 : 1);
        CHECK_EQ(memory[9].pins, !(i % 2));
        use();
        CHECK(virtqueue_take(queue, NULL) == &tokens[i]);
        CHECK_EQ(pinned(), 0);
    }
}

static unsigned told;

static void count_told(struct elastic_region *region UNUSED)
{
    told++;
}

/* Taking back the last buffer of a page that shall leave wakes who waits for it. */
TEST_CASES(ring_wakes_a_pending_unplug, 2)
{
    static struct elastic_region region = {.changed = count_told};
    struct virtio_sg sg[2];

    start(plain);
    for (unsigned i = 0; i < PAGES; i++)
        memory[i].flags |= PAGE_ELASTIC;
    sg[0] = piece(3, 0, 10);
    sg[1] = piece(4, 0, 10);
    CHECK_EQ(virtqueue_add(queue, sg, 1 + test_case, 0, &tokens[0]), 0);
    CHECK_EQ(virtqueue_add(queue, sg, 1, 0, &tokens[1]), 0);
    told = 0;
    notify_add(&region);
    notify_expect();
    use();
    CHECK(virtqueue_take(queue, NULL) == &tokens[0]);
    CHECK_EQ(told, test_case);
    use();
    CHECK(virtqueue_take(queue, NULL) == &tokens[1]);
    CHECK_EQ(told, 1);
    notify_remove(&region);
    for (unsigned i = 0; i < PAGES; i++)
        memory[i].flags &= (uint8_t)~PAGE_ELASTIC;
    free_pages(memory, ORDER);
}

/* After a reset: taken back by the driver, or by nobody. */
TEST_CASES(ring_unpins_after_reset, 2)
{
    struct virtio_sg sg[2];

    start(plain);
    sg[0] = piece(1, 0, 8192);
    sg[1] = piece(7, 0, 1);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(virtqueue_add(queue, sg, 1, 1, &tokens[i]), 0);
    CHECK_EQ(pinned(), 9);
    if (test_case) {
        virtio_break_queues(&fake->dev);
        CHECK(virtqueue_detach(queue) == &tokens[0]);
        CHECK_EQ(pinned(), 6);
        while (virtqueue_detach(queue))
            continue;
    } else {
        mutex_lock(&fake->dev.lock);
        virtio_stop(&fake->dev);
        mutex_unlock(&fake->dev.lock);
    }
    CHECK_EQ(pinned(), 0);
    free_pages(memory, ORDER);
}

TEST_CASES(ring_buffer_is_not_freed, 2)
{
    struct virtio_sg sg;
    struct page *page;

    start(plain);
    page = test_case ? memory : alloc_pages(0, PAGE_KERNEL, 0);
    sg = (struct virtio_sg){page_to_phys(page + (test_case ? PAGES - 1 : 0)), 1};
    CHECK_EQ(virtqueue_add(queue, &sg, 1, 0, tokens), 0);
    EXPECT_PANIC("is pinned by fake0 test", free_pages(page, test_case ? ORDER : 0));
}

/* Memory that can move must have a pin of its own. */
TEST(ring_refuses_what_can_move)
{
    struct page *page;
    struct virtio_sg sg;
    struct pin pin;

    start(plain);
    page = alloc_pages(1, PAGE_MOVABLE, 0);
    CHECK(page != NULL);
    sg = (struct virtio_sg){page_to_phys(page + 1), 10};
    CHECK_EQ(pin_pages(&pin, (uintptr_t)page_to_virt(page + 1), 10, PIN_SHORT, "test"), 0);
    CHECK_EQ(virtqueue_add(queue, &sg, 1, 0, tokens), 0);
    CHECK_EQ(page[1].pins, 2);
    use();
    CHECK(virtqueue_take(queue, NULL) == tokens);
    unpin_pages(&pin);
    EXPECT_PANIC("may_move", (void)virtqueue_add(queue, &sg, 1, 0, tokens));
}
