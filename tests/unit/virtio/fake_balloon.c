/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's side of the balloon.
 */
#include "fake_balloon.h"
#include <neap/memory.h>
#include <string.h>

struct fake_balloon host;

static unsigned kind_of(unsigned index)
{
    for (unsigned i = 0; i < BALLOON_QUEUES; i++)
        if (host.numbers[i] == index)
            return i;
    unit_fail(__FILE__, __LINE__, "queue %u has no meaning", index);
}

/* One array of page numbers: they change hands now. */
static void move_pages(const struct vringd_chain *chain, bool to_host)
{
    const uint8_t *pfns = shim_phys(chain->pieces[0].phys);
    unsigned count = chain->pieces[0].length / 4;

    CHECK_EQ(chain->out, 1);
    CHECK_EQ(chain->in, 0);
    CHECK(count && count <= BALLOON_REQUEST_PAGES && chain->pieces[0].length % 4 == 0);
    for (unsigned i = 0; i < count; i++) {
        uint64_t pfn = le_load(pfns + 4 * i, 4);

        CHECK(pfn < FAKE_BALLOON_PAGES);
        CHECK_EQ(host.owned[pfn], !to_host);
        host.owned[pfn] = to_host;
        if (to_host)
            shim_discard(pfn << PAGE_SHIFT, PAGE_SIZE);
    }
    host.owned_pages += to_host ? count : -(uint64_t)count;
}

static void serve_pages(struct fake *fake, unsigned index)
{
    bool inflate = kind_of(index) == BALLOON_INFLATE;
    struct vringd_chain chain;
    unsigned served = 0;

    while (fake_pop(fake, index, &chain)) {
        if (inflate && host.deaf_after && host.inflates == host.deaf_after)
            return;
        move_pages(&chain, inflate);
        vringd_push(&fake->queues[index].ring, chain.head, 0);
        served++;
        if (inflate)
            host.inflates++;
        else
            host.deflates++;
    }
    host.most_in_flight = MAX(host.most_in_flight, served);
}

static void serve_stats(struct fake *fake, unsigned index)
{
    struct vringd_chain chain;
    const uint8_t *entries;

    if (!fake_pop(fake, index, &chain))
        return;
    CHECK(!host.has_stats); /* BALLOON-016 */
    CHECK_EQ(chain.out, 1);
    CHECK_EQ(chain.pieces[0].length, BALLOON_STATS_TAGS * BALLOON_STATS_ENTRY_BYTES);
    entries = shim_phys(chain.pieces[0].phys);
    for (unsigned i = 0; i < BALLOON_STATS_TAGS; i++, entries += BALLOON_STATS_ENTRY_BYTES) {
        CHECK_EQ(le_load(entries, 2), i);
        host.stats[i] = le_load(entries + 2, 8);
    }
    host.stats_head = chain.head;
    CHECK_EQ(fake_pop(fake, index, &chain), 0); /* also asks for the next kick */
    host.has_stats = true;
    host.nr_stats++;
}

static void hint_command(uint32_t id)
{
    if (id) {
        CHECK(!host.round); /* BALLOON-026 */
        host.round = id;
        host.rounds_begun++;
    } else {
        CHECK(host.round != 0);
        host.round = 0;
        host.rounds_ended++;
    }
}

static void serve_hints(struct fake *fake, unsigned index)
{
    struct vringd_chain chain;

    if (host.on_hint)
        host.on_hint();
    while (fake_pop(fake, index, &chain)) {
        if (chain.out) {
            CHECK_EQ(chain.in, 0);
            CHECK_EQ(chain.pieces[0].length, 4); /* BALLOON-024 */
            hint_command((uint32_t)le_load(shim_phys(chain.pieces[0].phys), 4));
        } else {
            CHECK(host.round != 0);
            CHECK_EQ(chain.in, 1);
            host.hinted_pages += chain.pieces[0].length >> PAGE_SHIFT;
            shim_discard(chain.pieces[0].phys, chain.pieces[0].length); /* BALLOON-031 */
        }
        vringd_push(&fake->queues[index].ring, chain.head, 0);
    }
}

/* What comes back for reported memory may hold anything (BALLOON-037). */
static void lose(const struct virtio_sg *piece)
{
    if (piece->phys + piece->length > SHIM_PHYS_SIZE)
        return;
    shim_discard(piece->phys, piece->length);
    if (host.scribbles)
        memset(shim_phys(piece->phys), 0x5a, PAGE_SIZE);
}

static void serve_reports(struct fake *fake, unsigned index)
{
    struct vringd_chain chain;

    if (host.on_report)
        host.on_report();
    while (fake_pop(fake, index, &chain)) {
        uint64_t total = 0;

        CHECK_EQ(chain.out, 0);
        for (unsigned i = 0; i < chain.in; i++) {
            total += chain.pieces[i].length;
            lose(&chain.pieces[i]);
        }
        CHECK(total < UINT64_C(1) << 32);
        host.reported_bytes += total;
        host.reports++;
        host.most_ranges = MAX(host.most_ranges, chain.in);
        vringd_push(&fake->queues[index].ring, chain.head, 0);
    }
}

static void serve(struct fake *fake, unsigned index)
{
    static void (*const by_kind[BALLOON_QUEUES])(struct fake *, unsigned) = {
        serve_pages, serve_pages, serve_stats, serve_hints, serve_reports};

    if (host.silent[kind_of(index)])
        return;
    by_kind[kind_of(index)](fake, index);
    fake_interrupt(fake, index);
}

/* A balloon that is reset owns nothing any more; its target stays. */
static void forget(void)
{
    memset(host.owned, 0, sizeof(host.owned));
    host.owned_pages = 0;
    host.has_stats = false;
    host.round = 0;
}

void host_create(uint64_t features, enum fake_layout layout)
{
    static const unsigned bits[BALLOON_QUEUES] = {
        0, 0, BALLOON_F_STATS_VQ, BALLOON_F_FREE_PAGE_HINT, BALLOON_F_PAGE_REPORTING};
    static const unsigned sizes[BALLOON_QUEUES] = {128, 128, 128, 1024, 32};
    bool gaps = layout == LAYOUT_SPEC || layout == LAYOUT_ALL;
    unsigned next = 0;

    host.fake = fake_create(VIRTIO_ID_BALLOON);
    host.fake->offered.word[0] |= features;
    host.fake->config_size = 16;
    host.fake->on_reset = forget;
    for (unsigned i = 0; i < BALLOON_QUEUES; i++) {
        bool exists = i <= BALLOON_DEFLATE || features & FEATURE(bits[i]);

        host.numbers[i] = gaps ? i : exists ? next++ : UINT32_MAX;
        if (exists || layout == LAYOUT_ALL) {
            host.fake->queues[host.numbers[i]].max_size = sizes[i];
            host.fake->queues[host.numbers[i]].serve = serve;
        }
    }
    if (layout == LAYOUT_CROSVM) {
        host.fake->offered.word[0] |= FEATURE(BALLOON_F_WORKING_SET);
        host.fake->queues[next].max_size = 32;
        host.fake->queues[next + 1].max_size = 32;
    }
}

void host_start(uint64_t memory, uint64_t features)
{
    host_create(features, LAYOUT_COMPACT);
    shim_boot(memory);
    CHECK_EQ(virtio_device_add(&host.fake->dev), 0);
    CHECK(host.fake->dev.live);
    shim_settle();
}

void host_set_target(uint64_t pages)
{
    fake_config_set32(host.fake, BALLOON_CONFIG_NUM_PAGES, (uint32_t)pages);
    fake_config_changed(host.fake);
    shim_settle();
}

void host_ask_stats(void)
{
    CHECK(host.has_stats);
    host.has_stats = false;
    fake_answer(host.fake, host.numbers[BALLOON_STATS], host.stats_head, 0);
}

void host_set_hint_id(uint32_t id)
{
    fake_config_set32(host.fake, BALLOON_CONFIG_HINT_ID, id);
    fake_config_changed(host.fake);
    shim_settle();
}

struct balloon *host_balloon(void)
{
    return host.fake->dev.driver_data;
}

void host_check_agreement(uint64_t pages)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    CHECK_EQ(host_balloon()->actual, pages);
    CHECK_EQ(host_balloon()->inflated.pages, pages);
    CHECK_EQ(host_balloon()->moving.pages, 0);
    CHECK_EQ(host.owned_pages, pages);
    CHECK_EQ(fake_config_get32(host.fake, BALLOON_CONFIG_ACTUAL), pages);
    CHECK_EQ(stats.ballooned, pages << PAGE_SHIFT);
    CHECK_EQ(stats.total,
             stats.free + stats.kernel + stats.movable + stats.ballooned + stats.metadata);
}

uint64_t free_pages_now(void)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return stats.free >> PAGE_SHIFT;
}
