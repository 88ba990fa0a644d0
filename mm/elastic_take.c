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
    if (error)
        return error;
    *request->taken = (struct phys_range){frames.start << PAGE_SHIFT, frames.end << PAGE_SHIFT};
    return 0;
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
 * too, and may be promised.
 */
static int examine(const struct request *request, const struct choice *choice)
{
    const struct frames frames = subblock_frames(request->region, choice->first, choice->end);
    const struct contents contents = elastic_contents(&frames);
    uint64_t needed = contents.live + elastic_free_in(request->region, choice->first);
    uint64_t spare = memory_spare_pages();

    if (contents.pinned)
        return -EBUSY;
    return needed > spare ? note_missing(request, spare, needed - spare) : 0;
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

static int take_victim(const struct request *request)
{
    struct choice choice = {0};
    bool missing = false;

    while (elastic_next_victim(request->region, &choice)) {
        int error = examine(request, &choice);

        if (!error)
            error = take_range(request, &choice);
        if (!error || error == -ECANCELED)
            return error;
        if (READ_ONCE(*request->cancel))
            return -ECANCELED;
        missing |= error == -ENOMEM;
        if (error == -EBUSY)
            note_held(request, &choice);
        else if (!anything_lent())
            break; /* every other one would need as much room */
    }
    count_kernel(request);
    if (missing)
        return -ENOMEM;
    request->why->missing = 0;
    return -EBUSY;
}

/* Free runs, as far as the memory is not promised. */
static int take_free(const struct request *request)
{
    uint64_t spare = memory_spare_pages() / subblock_pages(request->region);
    struct choice choice;

    if (!spare || !elastic_free_run(request->region, MIN(request->max, spare), &choice))
        return -EAGAIN;
    return take_range(request, &choice);
}

static int take_something(const struct request *request)
{
    int error = take_free(request);

    *request->why = (struct elastic_refusal){0};
    return error && error != -ECANCELED ? take_victim(request) : error;
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
