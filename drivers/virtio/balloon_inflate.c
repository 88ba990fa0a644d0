/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inflating and deflating: batches of page numbers, many requests in flight.
 */
#include "balloon.h"
#include <neap/endian.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/memory.h>
#include <neap/movable.h>
#include <neap/panic.h>
#include <neap/space.h>
#include <neap/timer.h>

/* The guest keeps the larger of these of its free memory, whatever the host asks. */
#define FLOOR_DIVISOR 32
#define FLOOR_MINIMUM (4 * MIB)

static uint64_t floor_of(const struct memory_stats *stats)
{
    return MAX(stats->total / FLOOR_DIVISOR, FLOOR_MINIMUM);
}

uint64_t balloon_floor(void)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return floor_of(&stats);
}

/* What applications were promised and have not touched yet is free, but not for the balloon. */
static bool may_take(const struct memory_stats *stats, uint64_t bytes)
{
    return stats->free >= floor_of(stats) + bytes && space_available() >= bytes;
}

bool balloon_may_take(uint64_t bytes)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return may_take(&stats, bytes);
}

struct page *balloon_take_block(unsigned *order, unsigned minimum)
{
    struct memory_stats stats;
    struct page *page = NULL;

    memory_stats_get(&stats);
    for (;; --*order) {
        uint64_t bytes = PAGE_SIZE << *order;

        if (stats.largest_free >= bytes && may_take(&stats, bytes))
            page = alloc_pages(*order, PAGE_MOVABLE,
                               ALLOC_NO_RECLAIM | ALLOC_OPTIONAL | ALLOC_SPARE);
        if (page)
            page_set_lent(page);
        if (page || *order <= minimum)
            return page;
    }
}

void balloon_batch_add(struct balloon *balloon, struct page *page, unsigned order)
{
    pfn_t first = page_to_pfn(page);

    ASSERT(balloon->batch_pages + (1u << order) <= BALLOON_BATCH_PAGES);
    for (unsigned i = 0; i < 1u << order; i++)
        balloon->batch[balloon->batch_pages++] = le32((uint32_t)(first + i));
    balloon_chunk_push(&balloon->moving, page, order);
}

/* Offer the request that starts at page number `at` of the batch; its token is that place. */
static int add_request(struct balloon *balloon, struct virtqueue *queue, unsigned at)
{
    unsigned pages = MIN(balloon->batch_pages - at, BALLOON_REQUEST_PAGES);
    struct virtio_sg sg = {
        .phys = virt_to_phys(balloon->batch + at),
        .length = (uint32_t)(pages * sizeof(*balloon->batch)),
    };

    return virtqueue_add(queue, &sg, 1, 0, balloon->batch + at);
}

/*
 * Tell the host the whole batch through `queue` and wait until it knows all of it
 * (BALLOON-010, BALLOON-012: only then the pages change hands). As many requests are in flight
 * as the ring holds.
 */
static int tell(struct balloon *balloon, struct virtqueue *queue)
{
    unsigned at = 0, in_flight = 0;
    int error;

    while (at < balloon->batch_pages || in_flight) {
        while (at < balloon->batch_pages && !add_request(balloon, queue, at)) {
            at += BALLOON_REQUEST_PAGES;
            in_flight++;
        }
        virtqueue_kick(queue);
        error = virtqueue_wait(queue, &balloon->answers);
        if (error)
            return error;
        while (virtqueue_take(queue, NULL)) {
            in_flight--;
            balloon->count.requests++;
        }
    }
    balloon->batch_pages = 0;
    return 0;
}

/* BALLOON-014: the host sees the count after every batch. */
static void set_actual(struct balloon *balloon)
{
    ASSERT(balloon->actual == balloon->inflated.pages);
    virtio_config_put(balloon->dev, BALLOON_CONFIG_ACTUAL, 4, balloon->actual);
}

static unsigned order_within(uint64_t pages)
{
    unsigned order = MAX_ORDER;

    while (UINT64_C(1) << order > pages)
        order--;
    return order;
}

/* Fill a batch with up to `want` pages, large blocks first. */
static void collect(struct balloon *balloon, uint64_t want)
{
    unsigned order = MAX_ORDER;
    struct page *page;

    want = MIN(want, BALLOON_BATCH_PAGES);
    while (want) {
        order = MIN(order, order_within(want));
        page = balloon_take_block(&order, 0);
        if (!page)
            return;
        balloon_batch_add(balloon, page, order);
        want -= UINT64_C(1) << order;
    }
}

/* The target cannot be met now: say so once for each target, and let the worker retry. */
static void note_unmet(struct balloon *balloon)
{
    char target[FORMAT_SIZE_MAX], actual[FORMAT_SIZE_MAX];

    balloon->unmet = balloon->target - balloon->actual;
    if (balloon->told_target == balloon->target)
        return;
    balloon->told_target = balloon->target;
    log_info("balloon", "target %s, %s taken: the rest is in use or the guest's reserve",
             format_size(target, balloon->target << PAGE_SHIFT),
             format_size(actual, balloon->actual << PAGE_SHIFT));
}

/*
 * After memory was given back because the guest was short of it, the target is not chased
 * again before there is twice the floor: else host and guest would pass the same pages to and
 * fro.
 */
static bool held_back(struct balloon *balloon)
{
    if (balloon->oom_hold && clock_ns() >= balloon->hold_end_ns &&
        balloon_may_take(balloon_floor()))
        balloon->oom_hold = false;
    return balloon->oom_hold;
}

static bool inflate(struct balloon *balloon)
{
    uint64_t pages;

    if (!held_back(balloon))
        collect(balloon, balloon->target - balloon->actual);
    pages = balloon->moving.pages;
    if (!pages) {
        note_unmet(balloon);
        return false;
    }
    if (tell(balloon, balloon->queues[BALLOON_INFLATE]))
        return false;
    balloon_chunks_move(&balloon->inflated, &balloon->moving);
    balloon->actual += pages;
    memory_account_balloon((int64_t)pages);
    set_actual(balloon);
    return true;
}

/* The largest chunk of at most this order. */
static struct page *pop_at_most(struct balloon_chunks *chunks, unsigned *order)
{
    for (;; --*order) {
        struct page *page = balloon_chunk_pop(chunks, *order);

        if (page || !*order)
            return page;
    }
}

/* The smallest chunk of at least this order. */
static struct page *pop_at_least(struct balloon_chunks *chunks, unsigned *order)
{
    for (; *order <= MAX_ORDER; ++*order) {
        struct page *page = balloon_chunk_pop(chunks, *order);

        if (page)
            return page;
    }
    return NULL;
}

/*
 * Towards a target chunks fit inside what is wanted, and only if all are larger one of them
 * goes as a whole (the worker then takes the difference again). For a thread short of memory
 * one chunk that holds everything is best: it may need the pages in one piece.
 */
static struct page *choose_chunk(struct balloon_chunks *chunks, uint64_t pages, bool best_fit,
                                 unsigned *order)
{
    struct page *page;

    *order = order_within(pages);
    if (best_fit && UINT64_C(1) << *order < pages && *order < MAX_ORDER)
        ++*order;
    page = best_fit ? pop_at_least(chunks, order) : pop_at_most(chunks, order);
    if (page)
        return page;
    *order = best_fit ? MAX_ORDER : 0;
    return best_fit ? pop_at_most(chunks, order) : pop_at_least(chunks, order);
}

uint64_t balloon_deflate_batch(struct balloon *balloon)
{
    uint64_t done;

    if (!balloon->moving.pages || tell(balloon, balloon->queues[BALLOON_DEFLATE]))
        return 0;
    done = balloon_chunks_free(&balloon->moving);
    balloon->actual -= done;
    memory_account_balloon(-(int64_t)done);
    set_actual(balloon);
    return done;
}

uint64_t balloon_deflate(struct balloon *balloon, uint64_t pages, bool best_fit)
{
    uint64_t want = MIN(pages, BALLOON_BATCH_PAGES - (1u << MAX_ORDER));
    unsigned order;
    struct page *page;

    while (balloon->batch_pages < want) {
        page = choose_chunk(&balloon->inflated, want - balloon->batch_pages, best_fit, &order);
        if (!page)
            break;
        balloon_batch_add(balloon, page, order);
    }
    return balloon_deflate_batch(balloon);
}

bool balloon_adjust(struct balloon *balloon)
{
    if (balloon->target < balloon->actual)
        return balloon_deflate(balloon, balloon->actual - balloon->target, false) > 0;
    if (balloon->target > balloon->actual)
        return inflate(balloon);
    balloon->unmet = 0;
    return false;
}
