/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The map behind fake_elastic.h: one byte a block.
 */
#include "fake_elastic.h"
#include "shim.h"
#include "unit.h"
#include <errno.h>
#include <stdlib.h>

enum block_state {
    BLOCK_UNPLUGGED,
    BLOCK_USED,
    BLOCK_TAKEN,
};

#define REGIONS_MAX 4

static struct known {
    struct elastic_region *region;
    uint8_t *blocks;
    uint64_t nr;
} known[REGIONS_MAX];

struct fake_elastic elastic;

static struct known *find(const struct elastic_region *region)
{
    for (unsigned i = 0; i < elastic.nr_regions; i++)
        if (known[i].region == region)
            return &known[i];
    unit_fail(__FILE__, __LINE__, "a region that was not registered");
}

static uint64_t number_of(const struct known *map, uint64_t address)
{
    uint64_t offset = address - map->region->start;

    CHECK(address >= map->region->start && offset <= map->region->size);
    CHECK_EQ(offset % map->region->subblock, 0);
    return offset / map->region->subblock;
}

static void set_state(struct known *map, uint64_t number, enum block_state state)
{
    bool plugged = state == BLOCK_USED || (state == BLOCK_TAKEN && elastic.taken_is_plugged);
    uint64_t *word = &map->region->plugged_map[number / 64];
    uint64_t bit = UINT64_C(1) << (number % 64);

    map->region->plugged += plugged - (*word & bit ? 1 : 0);
    *word = plugged ? *word | bit : *word & ~bit;
    map->blocks[number] = (uint8_t)state;
}

/* All blocks of `range` go from one state to another. */
static void change(struct elastic_region *region, const struct phys_range *range,
                   enum block_state from, enum block_state to)
{
    struct known *map = find(region);
    uint64_t first = number_of(map, range->start), last = number_of(map, range->end);

    CHECK(first < last);
    CHECK(thread_may_sleep());
    for (uint64_t i = first; i < last; i++) {
        CHECK_EQ(map->blocks[i], from);
        set_state(map, i, to);
    }
}

int elastic_register(struct elastic_region *region)
{
    struct known *map = &known[elastic.nr_regions];

    CHECK(thread_may_sleep());
    if (elastic.register_error)
        return elastic.register_error;
    CHECK(elastic.nr_regions < REGIONS_MAX);
    CHECK(region->name && region->changed && region->size);
    CHECK(region->start % region->subblock == 0 && region->size % region->subblock == 0);
    for (unsigned i = 0; i < elastic.nr_regions; i++)
        if (region->start < known[i].region->start + known[i].region->size &&
            known[i].region->start < region->start + region->size)
            return -EINVAL;
    if (region->start + region->size > SHIM_PHYS_SIZE * 2)
        return -EINVAL;
    map->nr = region->size / region->subblock;
    map->region = region;
    map->blocks = calloc(map->nr, 1);
    region->plugged_map = calloc(map->nr / 64 + 1, sizeof(*region->plugged_map));
    region->plugged = 0;
    elastic.nr_regions++;
    return 0;
}

int elastic_add(struct elastic_region *region, const struct phys_range *range)
{
    if (elastic.fail_adds) {
        elastic.fail_adds--;
        return -ENOMEM;
    }
    change(region, range, BLOCK_UNPLUGGED, BLOCK_USED);
    elastic.adds++;
    return 0;
}

/* The highest run of used blocks; the test decides which ones cannot go. */
static bool find_run(const struct known *map, uint64_t max, uint64_t *first, uint64_t *end)
{
    uint64_t at = map->nr;

    while (at > elastic.held && map->blocks[at - 1] != BLOCK_USED)
        at--;
    *end = at;
    while (at > elastic.held && map->blocks[at - 1] == BLOCK_USED && *end - at < max)
        at--;
    *first = at;
    return *first < *end;
}

int elastic_take(struct elastic_region *region, uint64_t max_subblocks,
                 struct phys_range *taken, struct elastic_refusal *why, const bool *cancel)
{
    struct known *map = find(region);
    uint64_t first, end, max = max_subblocks;

    CHECK(max && max <= 65535);
    CHECK(thread_may_sleep());
    elastic.takes++;
    if (elastic.on_take)
        elastic.on_take();
    shim_preempt_point();
    if (*(const volatile bool *)cancel) {
        elastic.cancels++;
        return -ECANCELED;
    }
    if (elastic.take_limit)
        max = MIN(max, elastic.take_limit);
    if (elastic.take_error || !find_run(map, max, &first, &end)) {
        *why = elastic.refusal;
        return elastic.take_error ? elastic.take_error : -EBUSY;
    }
    *taken = (struct phys_range){region->start + first * region->subblock,
                                 region->start + end * region->subblock};
    change(region, taken, BLOCK_USED, BLOCK_TAKEN);
    return 0;
}

void elastic_put_back(struct elastic_region *region, const struct phys_range *range)
{
    change(region, range, BLOCK_TAKEN, BLOCK_USED);
    elastic.put_backs++;
}

void elastic_removed(struct elastic_region *region, const struct phys_range *range)
{
    change(region, range, BLOCK_TAKEN, BLOCK_UNPLUGGED);
    elastic.removals++;
}

bool elastic_find_unplugged(struct elastic_region *region, uint64_t limit,
                            uint64_t max_subblocks, struct phys_range *found)
{
    struct known *map = find(region);
    uint64_t end = number_of(map, limit), first = 0, last;

    CHECK(max_subblocks && max_subblocks <= 65535);
    while (first < end && map->blocks[first] != BLOCK_UNPLUGGED)
        first++;
    last = first;
    while (last < end && map->blocks[last] == BLOCK_UNPLUGGED && last - first < max_subblocks)
        last++;
    *found = (struct phys_range){region->start + first * region->subblock,
                                 region->start + last * region->subblock};
    return first < last;
}

void fake_elastic_forget(void)
{
    for (unsigned i = 0; i < elastic.nr_regions; i++) {
        free(known[i].blocks);
        free(known[i].region->plugged_map);
    }
    elastic = (struct fake_elastic){0};
}

bool fake_elastic_uses(uint64_t address)
{
    for (unsigned i = 0; i < elastic.nr_regions; i++) {
        const struct elastic_region *region = known[i].region;

        if (address >= region->start && address - region->start < region->size)
            return known[i].blocks[(address - region->start) / region->subblock] == BLOCK_USED;
    }
    return false;
}

uint64_t fake_elastic_taken(void)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < elastic.nr_regions; i++)
        for (uint64_t j = 0; j < known[i].nr; j++)
            count += known[i].blocks[j] == BLOCK_TAKEN;
    return count;
}

/* ---- what the allocator asks of elastic memory: there is none to claim ---- */

bool elastic_claim(unsigned order, bool ask_lenders)
{
    (void)order;
    (void)ask_lenders;
    return false;
}

void kernel_reserve_note_taken(void)
{
}

void kernel_reserve_note_freed(void)
{
}
