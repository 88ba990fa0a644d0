/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leaving a place: blocks of the balloon are movable without contents. The host gets other
 * memory for them afterwards, as far as there is some: the worker goes on towards its target.
 *
 * Who wants the place waits while the worker takes the blocks back from the host. There is one
 * such thread at a time, so the wish needs no lock.
 */
#include "balloon.h"
#include <neap/timer.h>

/* Not longer than a silent device is waited for; the batch under way still ends. */
#define VACATE_PATIENCE_NS (VIRTIO_ANSWER_SECONDS * NS_PER_S)

/* By then a worker that works has ended, and nobody but the reset of a dead device is left. */
#define VACATE_GIVE_UP_NS (3 * VACATE_PATIENCE_NS)

bool balloon_vacate_pending(const struct balloon *balloon)
{
    return __atomic_load_n(&balloon->vacate_asked, __ATOMIC_ACQUIRE) != balloon->vacate_served;
}

static bool vacate_done(void *arg)
{
    const struct balloon *balloon = arg;

    return __atomic_load_n(&balloon->vacate_served, __ATOMIC_ACQUIRE) ==
               balloon->vacate_asked ||
           !READ_ONCE(balloon->lending);
}

/*
 * The worker has a time limit, and a device that fails ends the lending when it is reset. But
 * what resets it may wait for a mutex of the thread that waits here.
 */
static uint64_t balloon_vacate(struct lender *self, pfn_t start, pfn_t end)
{
    struct balloon *balloon = container_of(self, struct balloon, lender);
    pfn_t at = start;

    if (!READ_ONCE(balloon->lending) || !lent_block_next(&at, end))
        return 0;
    balloon->vacate_start = start;
    balloon->vacate_end = end;
    balloon->vacate_limit_ns = clock_ns() + VACATE_PATIENCE_NS;
    balloon->vacate_freed = 0;
    __atomic_add_fetch(&balloon->vacate_asked, 1, __ATOMIC_ACQ_REL);
    wake_all(&balloon->worker.events);
    (void)wait_until(&balloon->worker.settled, vacate_done, balloon, VACATE_GIVE_UP_NS);
    return balloon->vacate_freed;
}

static void settle(struct balloon *balloon)
{
    __atomic_store_n(&balloon->vacate_served, balloon->vacate_asked, __ATOMIC_RELEASE);
    wake_all(&balloon->worker.settled);
}

/* A chunk goes whole, even if only a part of it is in the way. */
static void collect(struct balloon *balloon, pfn_t *at)
{
    struct page *page;

    while (balloon->batch_pages + (1u << MAX_ORDER) <= BALLOON_BATCH_PAGES &&
           (page = lent_block_next(at, balloon->vacate_end))) {
        balloon_chunk_remove(&balloon->inflated, page);
        balloon_batch_add(balloon, page, page->order);
    }
}

void balloon_vacate_serve(struct balloon *balloon)
{
    pfn_t at = balloon->vacate_start;
    uint64_t done;

    if (!balloon_vacate_pending(balloon))
        return;
    balloon->vacate_freed +=
        balloon_hint_vacate(balloon, balloon->vacate_start, balloon->vacate_end);
    do {
        collect(balloon, &at);
        done = balloon_deflate_batch(balloon);
        balloon->vacate_freed += done;
    } while (done && clock_ns() < balloon->vacate_limit_ns);
    balloon->count.vacated += balloon->vacate_freed;
    /* A device that died leaves everything to its reset, which brings all pages back. */
    if (!virtqueue_broken(balloon->queues[BALLOON_DEFLATE]))
        settle(balloon);
}

void balloon_vacate_start(struct balloon *balloon)
{
    balloon->lender.name = "balloon";
    balloon->lender.vacate = balloon_vacate;
    WRITE_ONCE(balloon->lending, true);
    lender_register(&balloon->lender);
}

void balloon_vacate_stop(struct balloon *balloon, uint64_t freed)
{
    if (balloon_vacate_pending(balloon))
        balloon->vacate_freed += freed;
    WRITE_ONCE(balloon->lending, false);
    settle(balloon);
    lender_unregister(&balloon->lender);
    settle(balloon); /* of a wish that came too late, too */
}
