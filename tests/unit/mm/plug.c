/* SPDX-License-Identifier: BSD-2-Clause */
/* See plug.h. */
#include "plug.h"

struct elastic_refusal plug_why;
bool plug_cancel;

static void on_changed(struct elastic_region *region)
{
    container_of(region, struct plug, region)->calls++;
}

int plug_start(struct plug *plug, uint64_t start, uint64_t size, uint64_t subblock)
{
    plug->region = (struct elastic_region){.name = "test device",
                                           .start = start,
                                           .size = size,
                                           .subblock = subblock,
                                           .node = -1,
                                           .changed = on_changed};
    CHECK(size / subblock <= ARRAY_SIZE(plug->plugged));
    return elastic_register(&plug->region);
}

static struct phys_range range_of(const struct plug *plug, uint64_t first, uint64_t end)
{
    return (struct phys_range){plug->region.start + first * plug->region.subblock,
                               plug->region.start + end * plug->region.subblock};
}

int plug_add(struct plug *plug, uint64_t first, uint64_t end)
{
    struct phys_range range = range_of(plug, first, end);
    int error = elastic_add(&plug->region, &range);

    for (uint64_t i = first; i < end; i++) {
        CHECK(!plug->plugged[i]);
        plug->plugged[i] = error == 0;
    }
    return error;
}

static int take(struct plug *plug, uint64_t max, uint64_t *first, uint64_t *end)
{
    struct phys_range range;
    int error = elastic_take(&plug->region, max, &range, &plug_why, &plug_cancel);

    if (error)
        return error;
    *first = (range.start - plug->region.start) / plug->region.subblock;
    *end = (range.end - plug->region.start) / plug->region.subblock;
    CHECK(*first < *end && *end - *first <= max);
    for (uint64_t i = *first; i < *end; i++) {
        CHECK(plug->plugged[i]);
        plug->plugged[i] = false;
    }
    return 0;
}

int plug_take(struct plug *plug, uint64_t max)
{
    uint64_t first, end;
    struct phys_range range;
    int error = take(plug, max, &first, &end);

    if (error)
        return error;
    range = range_of(plug, first, end);
    CHECK(!shim_access_ok(DIRECT_MAP_BASE + range.start, false));
    shim_discard(range.start, range.end - range.start);
    elastic_removed(&plug->region, &range);
    return (int)(end - first);
}

int plug_take_in_vain(struct plug *plug, uint64_t max)
{
    uint64_t first, end;
    struct phys_range range;
    int error = take(plug, max, &first, &end);

    if (error)
        return error;
    range = range_of(plug, first, end);
    elastic_put_back(&plug->region, &range);
    for (uint64_t i = first; i < end; i++)
        plug->plugged[i] = true;
    return (int)(end - first);
}

int plug_take_all(struct plug *plug)
{
    int error;

    do
        error = plug_take(plug, UINT16_MAX);
    while (error > 0);
    return error;
}

void plug_scatter(unsigned keep)
{
    struct memory_stats stats;

    do {
        CHECK(mover_new(0) != NULL);
        memory_stats_get(&stats);
    } while (stats.elastic_free > 0);
    for (unsigned i = nr_movers; i-- > 0;) {
        if (page_to_pfn(movers[i].page) % keep)
            mover_free(i);
    }
}

void plug_check(struct plug *plug)
{
    const struct elastic_region *region = &plug->region;
    uint64_t count = 0, plugged, free;

    check_everything();
    elastic_stats(&plug->region, &plugged, &free);
    for (uint64_t i = 0; i < region->size / region->subblock; i++) {
        uintptr_t va = DIRECT_MAP_BASE + region->start + i * region->subblock;

        CHECK_EQ(region->plugged_map[i / 64] >> i % 64 & 1, plug->plugged[i]);
        CHECK_EQ(shim_access_ok(va, true), plug->plugged[i]);
        CHECK_EQ(shim_access_ok(va + region->subblock - 1, true), plug->plugged[i]);
        count += plug->plugged[i];
    }
    CHECK_EQ(region->plugged, count);
    CHECK_EQ(plugged, count * region->subblock);
    CHECK(free <= plugged);
}
