/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking subblocks out of use: whole free runs first, then the subblock that is cheapest to
 * empty. What is refused says by whom and how much is missing.
 */
#include "elastic.h"
#include "isolate.h"
#include "notify.h"
#include <neap/errors.h>
#include <neap/movable.h>
#include <neap/pin.h>
#include <neap/space.h>

/* So much is emptied for one request of the device at most, or one subblock. */
#define BATCH_PAGES (32 * MIB >> PAGE_SHIFT)

/* One call of elastic_take(). */
struct request {
    struct elastic_region *region;
    uint64_t max; /* subblocks */
    struct phys_range *taken;
    struct elastic_refusal *why;
    const bool *cancel;
};

/* Empty the subblocks of `choice` and take them out of use, or leave all as it was. */
static int take_range(const struct request *request, const struct choice *choice)
{
    struct elastic_region *region = request->region;
    const struct frames frames = subblock_frames(region, choice->first, choice->end);
    struct isolation how = {.evacuate = true, .cancel = request->cancel};
    int error;

    /* From here on the direct map can be changed without memory. */
    if (pgtable_split(&kernel_pgtable, DIRECT_MAP_BASE + (frames.start << PAGE_SHIFT),
                      DIRECT_MAP_BASE + (frames.end << PAGE_SHIFT)))
        return -ENOMEM;
    WRITE_ONCE(buddy.leaving, true);
    isolate_begin(frames.start, frames.end);
    error = isolate_range(frames.start, frames.end, &how);
    /* Promises may have been made since the look at the free memory. */
    if (!error && !memory_promises_kept())
        error = -ENOMEM;
    isolate_end();
    if (error)
        isolate_give_back(frames.start, frames.end);
    else
        elastic_detach(region, &frames);
    WRITE_ONCE(buddy.leaving, false);
    return error;
}

static void note_held(const struct request *request, const struct choice *choice)
{
    const struct frames frames = subblock_frames(request->region, choice->first, choice->end);

    request->why->pinned += request->region->subblock;
    if (!request->why->holder)
        request->why->holder = pin_owner(frames.start, frames.end);
}

/* Not everything that was asked for fits elsewhere: be told when at least something does. */
static int note_missing(const struct request *request, uint64_t spare, uint64_t needed)
{
    uint64_t asked = request->max * subblock_pages(request->region);
    irqflags_t flags = spin_lock(&buddy.lock);
    uint64_t free = buddy.pages[WARM] + buddy.pages[REPORTED];

    spin_unlock(&buddy.lock, flags);
    request->why->missing = MAX(asked > spare ? asked - spare : 0, needed) << PAGE_SHIFT;
    notify_when_free(free + needed);
    return -ENOMEM;
}

/*
 * Can all of it move, and does what lives here fit into what is left? The free pages leave,
 * too, and may be promised. -ENOMEM: `lacking` pages are missing beside the `spare` ones.
 */
static int examine(const struct request *request, const struct choice *choice, uint64_t *spare,
                   uint64_t *lacking)
{
    const struct frames frames = subblock_frames(request->region, choice->first, choice->end);
    const struct contents contents = elastic_contents(&frames);
    uint64_t needed = contents.live;

    for (uint64_t i = choice->first; i < choice->end; i++)
        needed += elastic_free_in(request->region, i);
    *spare = memory_spare_pages();
    *lacking = needed > *spare ? needed - *spare : 0;
    if (contents.pinned)
        return -EBUSY;
    return *lacking ? -ENOMEM : 0;
}

static int take_one(const struct request *request, const struct choice *choice)
{
    uint64_t spare, lacking;
    int error = examine(request, choice, &spare, &lacking);

    if (error == -ENOMEM)
        return note_missing(request, spare, lacking);
    return error ? error : take_range(request, choice);
}

/*
 * A request of the device costs as much as many pages that move, and what moves shall not go to
 * the next victim: neighbours go together, as many as do not keep the host waiting. -EAGAIN:
 * there are none, or not all of them can go.
 */
static int take_batch(const struct request *request, struct choice *choice)
{
    uint64_t max = MIN(request->max, BATCH_PAGES / subblock_pages(request->region));
    uint64_t spare, lacking;
    struct choice batch = *choice;
    int error = -EAGAIN;

    elastic_grow(request->region, &batch, max);
    if (batch.end - batch.first > 1 && !examine(request, &batch, &spare, &lacking))
        error = take_range(request, &batch);
    if (!error)
        *choice = batch;
    return error && error != -ECANCELED ? -EAGAIN : error;
}

static void count_kernel(const struct request *request)
{
    const struct elastic_region *region = request->region;

    for (uint64_t i = 0; i < subblock_count(region); i++) {
        if (subblock_plugged(region, i) && elastic_stays_for_kernel(region, i))
            request->why->kernel += region->subblock;
    }
}

/* Lent memory needs no room elsewhere. */
static bool anything_lent(void)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return stats.ballooned > 0;
}

/* Not even one has room elsewhere: one that is lent in part needs less. */
static int take_lent(const struct request *request, struct choice *choice)
{
    uint64_t i = anything_lent() ? subblock_count(request->region) : 0;
    int error = -ENOMEM;

    while (error && error != -ECANCELED && i-- > 0) {
        *choice = (struct choice){i, i + 1, 0};
        if (elastic_may_leave(request->region, choice, i))
            error = take_one(request, choice);
        if (error && READ_ONCE(*request->cancel))
            error = -ECANCELED;
    }
    return error == -EBUSY ? -ENOMEM : error;
}

static int take_victim(const struct request *request, struct choice *choice)
{
    while (elastic_next_victim(request->region, choice)) {
        int error = take_batch(request, choice);

        if (error == -EAGAIN)
            error = take_one(request, choice);
        if (!error || error == -ECANCELED)
            return error;
        if (READ_ONCE(*request->cancel))
            return -ECANCELED;
        if (error == -EBUSY) {
            note_held(request, choice);
            continue;
        }
        error = take_lent(request, choice);
        if (error)
            count_kernel(request);
        return error;
    }
    count_kernel(request);
    request->why->missing = 0;
    return -EBUSY;
}

/* Free runs, as far as the memory is not promised. */
static int take_free(const struct request *request, struct choice *choice)
{
    uint64_t spare = memory_spare_pages() / subblock_pages(request->region);

    if (!spare || !elastic_free_run(request->region, MIN(request->max, spare), choice))
        return -EAGAIN;
    return take_range(request, choice);
}

static int take_something(const struct request *request)
{
    struct choice choice = {0};
    int error = take_free(request, &choice);
    struct frames frames;

    *request->why = (struct elastic_refusal){0};
    if (error && error != -ECANCELED) {
        choice = (struct choice){0};
        error = take_victim(request, &choice);
    }
    if (error)
        return error;
    *request->why = (struct elastic_refusal){0};
    frames = subblock_frames(request->region, choice.first, choice.end);
    *request->taken = (struct phys_range){frames.start << PAGE_SHIFT, frames.end << PAGE_SHIFT};
    return 0;
}

int elastic_take(struct elastic_region *region, uint64_t max_subblocks,
                 struct phys_range *taken, struct elastic_refusal *why, const bool *cancel)
{
    const struct request request = {region, max_subblocks, taken, why, cancel};
    int error;

    mutex_lock(&mm_mutex);
    reporting_pause();
    notify_expect();
    /* The counts by granule know what is on the lists. */
    alloc_drain_cpu_caches();
    error = take_something(&request);
    if (error && error != -ECANCELED && elastic_release(KERNEL_FLOOR_PAGES))
        error = take_something(&request);
    reporting_resume();
    mutex_unlock(&mm_mutex);
    return error;
}
