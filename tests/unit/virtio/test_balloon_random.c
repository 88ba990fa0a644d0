/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon under random wishes of the host, allocations of the guest and resets, with
 * threads that interleave by chance: whatever happens, no page is lost or owned twice.
 */
#include "fake_balloon.h"
#include <neap/memory.h>
#include <neap/timer.h>

#define BLOCKS 512

static struct {
    struct page *page;
    unsigned order;
} blocks[BLOCKS];

static void allocate_or_free(void)
{
    unsigned i = (unsigned)unit_random_below(BLOCKS);

    if (blocks[i].page) {
        free_pages(blocks[i].page, blocks[i].order);
        blocks[i].page = NULL;
        return;
    }
    blocks[i].order = (unsigned)unit_random_below(MAX_ORDER + 1);
    blocks[i].page = alloc_pages(blocks[i].order, unit_random_below(PAGE_KINDS), 0);
    if (blocks[i].page)
        *(uint64_t *)page_to_virt(blocks[i].page) = i; /* it is really there */
}

static void set_target(void)
{
    fake_config_set32(host.fake, BALLOON_CONFIG_NUM_PAGES,
                      (uint32_t)unit_random_below(unit_random_below(2) ? 1000 : 40000));
    fake_config_changed(host.fake);
}

static void set_hint_id(void)
{
    fake_config_set32(host.fake, BALLOON_CONFIG_HINT_ID, (uint32_t)unit_random_below(5));
    fake_config_changed(host.fake);
}

static void ask_stats(void)
{
    if (host.has_stats)
        host_ask_stats();
}

static void misbehave(void)
{
    if (host.fake->dev.resets < VIRTIO_RESETS_MAX && unit_random_below(40) == 0)
        virtio_device_misbehaved(&host.fake->dev, "a test says so");
}

static void vacate(void)
{
    pfn_t start = 256 + unit_random_below(32000);

    lenders_vacate(start, MIN(start + unit_random_below(3000), UINT64_C(32768)));
}

static void wait_a_little(void)
{
    shim_advance(unit_random_below(2000) * NS_PER_MS);
}

TEST_CASES(balloon_random, 12)
{
    void (*const steps[])(void) = {allocate_or_free, allocate_or_free, allocate_or_free,
                                   set_target,       set_hint_id,      ask_stats,
                                   misbehave,        wait_a_little,    vacate};
    uint64_t features = FEATURE(BALLOON_F_STATS_VQ) | FEATURE(BALLOON_F_FREE_PAGE_HINT) |
                        FEATURE(BALLOON_F_PAGE_REPORTING) | FEATURE(VIRTIO_F_EVENT_IDX);

    if (test_case & 1)
        features |= FEATURE(BALLOON_F_DEFLATE_ON_OOM);
    if (test_case & 2)
        features |= FEATURE(VIRTIO_F_INDIRECT_DESC) | FEATURE(VIRTIO_F_IN_ORDER);
    shim_set_cpus(1 + test_case % 3);
    host_start(128 * MIB, features);
    shim_chaos(test_case + 1);
    for (unsigned i = 0; i < 1500; i++)
        steps[unit_random_below(ARRAY_SIZE(steps))]();
    for (unsigned i = 0; i < BLOCKS; i++)
        if (blocks[i].page)
            free_pages(blocks[i].page, blocks[i].order);
    fake_config_set32(host.fake, BALLOON_CONFIG_HINT_ID, 1);
    host_set_target(5000);
    shim_chaos(0);
    shim_advance(30 * NS_PER_S);
    CHECK(host.fake->dev.live);
    host_check_agreement(5000);
    host_set_target(0);
    host_check_agreement(0);
    CHECK_EQ(host_balloon()->hinted.pages, 0);
    mm_check();
}

/* Answers that make no sense, three times, on each queue of the worker. */
static void (*good_answer)(struct fake *fake, unsigned index);
static unsigned bad_answers;

static void bad_answer(struct fake *fake, unsigned index)
{
    if (bad_answers == 3) {
        good_answer(fake, index);
        return;
    }
    bad_answers++;
    vringd_push(&fake->queues[index].ring, (uint16_t)(fake->queues[index].size - 1), 9);
    fake_interrupt(fake, index);
}

TEST_CASES(balloon_bad_answers, 3)
{
    static const unsigned kinds[] = {BALLOON_INFLATE, BALLOON_DEFLATE, BALLOON_HINT};
    unsigned index;

    host_start(128 * MIB, FEATURE(BALLOON_F_FREE_PAGE_HINT));
    index = host.numbers[kinds[test_case]];
    good_answer = host.fake->queues[index].serve;
    host_set_target(4096);
    host.fake->queues[index].serve = bad_answer;
    for (unsigned i = 0; i < 4; i++) {
        host_set_hint_id(5 + i);
        host_set_target(100 + i);
        host_set_target(3000);
    }
    CHECK_EQ(bad_answers, 3);
    CHECK_EQ(host.fake->dev.resets, 3);
    CHECK_EQ(shim_log_count("misbehaves"), 3);
    host_set_hint_id(1);
    host_set_target(2000);
    host_check_agreement(2000);
    mm_check();
}
