/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon and the memory device made of software: what they do for their drivers, and what
 * they answer to nonsense.
 */
#include "../../../drivers/virtio/balloon.h"
#include "../../../drivers/virtio/mem.h"
#include "fake.h"
#include "fake_elastic.h"
#include "kernel.h"
#include <neap/alloc.h>
#include <neap/endian.h>
#include <neap/loopback.h>
#include <neap/memory.h>
#include <string.h>

#define PAGES 300u

static struct loopback *loopback;

static void start(const char *model)
{
    withheld = (struct phys_range){GIB, GIB + 64 * MIB};
    shim_boot(256 * MIB);
    loopback = loopback_get(model);
    CHECK(loopback && loopback->dev.live);
    shim_settle();
}

static uint64_t get_field(unsigned offset)
{
    uint64_t value;

    memcpy(&value, loopback->config + offset, sizeof(value));
    return le64(value);
}

static void put_field(unsigned offset, unsigned bytes, uint64_t value)
{
    value = le64(value);
    loopback_set_config(loopback, offset, &value, bytes);
    shim_advance(50 * NS_PER_MS);
}

/* ---- the balloon ---- */

static void set_target(uint32_t pages)
{
    struct memory_stats stats;

    put_field(BALLOON_CONFIG_NUM_PAGES, 4, pages);
    memory_stats_get(&stats);
    CHECK_EQ(stats.ballooned, (uint64_t)pages << BALLOON_PAGE_SHIFT);
    CHECK_EQ(get_field(BALLOON_CONFIG_NUM_PAGES) >> 32, pages);
}

TEST_CASES(loopback_balloon_round, 2)
{
    start("balloon");
    if (test_case)
        loopback->offered.word[0] &= ~(UINT64_C(1) << VIRTIO_F_RING_PACKED);
    CHECK_EQ(virtio_restart(&loopback->dev), 0);
    set_target(PAGES);
    CHECK_EQ(loopback->counts[LOOPBACK_BALLOON_TAKEN], PAGES);
    set_target(0);
    CHECK_EQ(loopback->counts[LOOPBACK_BALLOON_RETURNED], PAGES);
    CHECK_EQ(loopback->counts[LOOPBACK_BALLOON_TOUCHED], 0);
}

TEST(loopback_balloon_sees_what_is_touched)
{
    struct balloon *balloon;
    unsigned order = 0;

    start("balloon");
    set_target(PAGES);
    balloon = loopback->dev.driver_data;
    while (!balloon->inflated.head[order])
        order++;
    ((char *)page_to_virt(pfn_to_page(balloon->inflated.head[order])))[PAGE_SIZE - 1] ^= 1;
    set_target(0);
    CHECK_EQ(loopback->counts[LOOPBACK_BALLOON_TOUCHED], 1);
    CHECK_EQ(loopback->dev.resets, 0);
}

/* A page number without memory, half a number, room for an answer, nothing at all. */
static const struct {
    uint32_t length;
    unsigned in;
} bad_requests[] = {{4, 0}, {3, 0}, {4, 1}};

TEST_CASES(loopback_balloon_refuses, ARRAY_SIZE(bad_requests))
{
    struct balloon *balloon;
    struct virtio_sg sg;
    uint32_t *number;

    start("balloon");
    balloon = loopback->dev.driver_data;
    number = page_to_virt(alloc_pages(0, PAGE_KERNEL, 0));
    *number = UINT32_MAX;
    sg = (struct virtio_sg){virt_to_phys(number), bad_requests[test_case].length};
    CHECK_EQ(virtqueue_add(balloon->queues[BALLOON_INFLATE], &sg,
                           1 - bad_requests[test_case].in, bad_requests[test_case].in, number),
             0);
    virtqueue_kick(balloon->queues[BALLOON_INFLATE]);
    shim_settle();
    CHECK_EQ(loopback->dev.resets, 1);
    CHECK_EQ(loopback->counts[LOOPBACK_BALLOON_TAKEN], 0);
    set_target(PAGES);
}

TEST(loopback_balloon_other_queues)
{
    start("balloon");
    shim_advance(NS_PER_S);
    CHECK(loopback->counts[LOOPBACK_BALLOON_STATS] > 3); /* the last one is kept */
    CHECK(loopback->counts[LOOPBACK_BALLOON_REPORTED] > 0);
    CHECK_EQ(loopback->counts[LOOPBACK_BALLOON_HINTED], 0);
    put_field(BALLOON_CONFIG_HINT_ID, 4, 2);
    CHECK(loopback->counts[LOOPBACK_BALLOON_HINTED] > 0);
}

/* ---- the memory device ---- */

static uint64_t plugged(void)
{
    return get_field(VMEM_CONFIG_PLUGGED);
}

static void request(uint64_t bytes)
{
    put_field(VMEM_CONFIG_REQUESTED, 8, bytes);
}

TEST(loopback_mem_needs_memory)
{
    shim_boot(128 * MIB);
    CHECK(loopback_get("mem") == NULL);
    CHECK_EQ(shim_log_count("boot with withhold=64M"), 1);
}

TEST(loopback_mem_sizes)
{
    start("mem");
    CHECK_EQ(get_field(VMEM_CONFIG_REGION), 64 * MIB);
    CHECK_EQ(get_field(VMEM_CONFIG_ADDRESS), boot_memory_withheld().start);
    request(64 * MIB);
    CHECK_EQ(plugged(), 64 * MIB);
    CHECK(fake_elastic_uses(boot_memory_withheld().start));
    CHECK(fake_elastic_uses(boot_memory_withheld().end - 1));
    request(10 * MIB);
    CHECK_EQ(plugged(), 10 * MIB);
    CHECK_EQ(virtio_restart(&loopback->dev), 0);
    shim_settle();
    CHECK_EQ(plugged(), 10 * MIB); /* a reset keeps it */
    request(0);
    CHECK_EQ(plugged(), 0);
    CHECK_EQ(loopback->counts[LOOPBACK_MEM_ERRORS], 0);
    CHECK_EQ(loopback->dev.resets, 0);
}

TEST_CASES(loopback_mem_refuses, 3)
{
    const struct loopback_plan plan = {.fault = LOOPBACK_NACK + test_case, .times = 1};

    start("mem");
    loopback_set_plan(loopback, &plan);
    request(8 * MIB);
    CHECK_EQ(loopback->plan.times, 0);
    CHECK_EQ(plugged(), plan.fault == LOOPBACK_NACK ? 0 : 8 * MIB);
    request(8 * MIB);
    CHECK_EQ(plugged(), 8 * MIB);
    CHECK_EQ(loopback->dev.resets, 0);
}

/* Requests of 2 MiB blocks at block numbers; 4 of 32 blocks are plugged, 8 requested. */
static const struct {
    uint16_t type;
    uint64_t at;
    uint16_t count;
    uint16_t answer, state;
} requests[] = {
    {VMEM_STATE, 0, 4, VMEM_ACK, VMEM_PLUGGED},
    {VMEM_STATE, 4, 28, VMEM_ACK, VMEM_UNPLUGGED},
    {VMEM_STATE, 3, 2, VMEM_ACK, VMEM_MIXED},
    {VMEM_STATE, 4, 29, VMEM_ERROR, 0},
    {VMEM_STATE, 32, 1, VMEM_ERROR, 0},
    {VMEM_STATE, 0, 0, VMEM_ERROR, 0},
    {VMEM_PLUG, 3, 2, VMEM_ERROR, 0},
    {VMEM_PLUG, 4, 4, VMEM_ACK, 0},
    {VMEM_PLUG, 4, 5, VMEM_NACK, 0},
    {VMEM_UNPLUG, 3, 2, VMEM_ERROR, 0},
    {VMEM_UNPLUG, 3, 1, VMEM_ACK, 0},
    {VMEM_UNPLUG_ALL, 0, 0, VMEM_ACK, 0},
    {VMEM_REQUESTS, 0, 1, VMEM_ERROR, 0},
};

static uint32_t send(struct vmem *vmem, const struct vmem_request *content, uint32_t bytes)
{
    const struct virtio_sg sg[] = {
        {virt_to_phys(&vmem->message->request), bytes},
        {virt_to_phys(&vmem->message->response), sizeof(vmem->message->response)},
    };
    uint32_t length = 0;

    vmem->message->request = *content;
    CHECK_EQ(virtqueue_add(vmem->queue, sg, 1, 1, vmem->message), 0);
    virtqueue_kick(vmem->queue);
    shim_settle();
    if (vmem->queue)
        virtqueue_take(vmem->queue, &length);
    return length;
}

TEST_CASES(loopback_mem_answers, ARRAY_SIZE(requests))
{
    struct vmem_request content = {
        .type = le16(requests[test_case].type),
        .nr_blocks = le16(requests[test_case].count),
    };
    struct vmem *vmem;

    start("mem");
    vmem = loopback->dev.driver_data;
    request(8 * MIB);
    loopback->config[VMEM_CONFIG_REQUESTED + 3] = 1; /* 16 MiB, told nobody */
    loopback->config[VMEM_CONFIG_REQUESTED + 2] = 0;
    content.address = le64(boot_memory_withheld().start + requests[test_case].at * 2 * MIB);
    CHECK_EQ(send(vmem, &content, sizeof(content)), sizeof(struct vmem_response));
    CHECK_EQ(le16(vmem->message->response.type), requests[test_case].answer);
    if (requests[test_case].type == VMEM_STATE && requests[test_case].answer == VMEM_ACK)
        CHECK_EQ(le16(vmem->message->response.state), requests[test_case].state);
    content.address += le64(1);
    if (requests[test_case].type != VMEM_UNPLUG_ALL) {
        send(vmem, &content, sizeof(content));
        CHECK_EQ(le16(vmem->message->response.type), VMEM_ERROR);
    }
}

TEST(loopback_mem_short_request)
{
    struct vmem_request content = {.type = le16(VMEM_UNPLUG_ALL)};

    start("mem");
    CHECK_EQ(send(loopback->dev.driver_data, &content, sizeof(content) - 1), 0);
    CHECK_EQ(loopback->dev.resets, 1);
    request(64 * MIB);
    CHECK_EQ(plugged(), 64 * MIB);
}
