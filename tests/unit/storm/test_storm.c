/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Balloon, page reporting and memory device together, under the load of an application and of
 * the kernel: random requests of all at once, the accounting checked after each. A subblock or
 * page is in one state only, nothing loses its contents, and in the end all is as at the start.
 */
#include "../../../mm/internal.h"
#include "../virtio/fake_balloon.h"
#include "../virtio/fake_mem.h"
#include "load.h"
#include <neap/memory.h>
#include <neap/timer.h>
#include <string.h>

#define BOOT_MEMORY  (64 * MIB)
#define REGION_START (256 * MIB) /* the fake balloon knows pages below 1 GiB only */
#define REGION_SIZE  (512 * MIB)
#define STEPS        300

static struct memory_stats at_start;
static uint64_t most_ballooned, most_plugged;

/* ---- what the fake devices ask of elastic memory ---- */

static bool uses(uint64_t block)
{
    return mem_host_vmem()->region.plugged_map[block / 64] >> block % 64 & 1;
}

/* Also asked when a block is about to be unplugged: the balloon uses what it has there. */
bool fake_elastic_uses(uint64_t address)
{
    return uses((address - mem_host.start) / mem_host.block) ||
           memchr(host.owned + (address >> PAGE_SHIFT), 1, mem_host.block >> PAGE_SHIFT);
}

uint64_t fake_elastic_taken(void)
{
    return vmem_range_bytes(&mem_host_vmem()->taken) / mem_host.block;
}

/* ---- checks ---- */

/* What the host owns is lent by the balloon, and nothing else of it is anybody's. */
static void check_owned(void)
{
    const uint8_t *owned = host.owned, *end = host.owned + FAKE_BALLOON_PAGES;

    while ((owned = memchr(owned, 1, (size_t)(end - owned)))) {
        pfn_t pfn = (pfn_t)(owned - host.owned), at = pfn;

        if (pfn >= REGION_START >> PAGE_SHIFT)
            CHECK(uses(((pfn << PAGE_SHIFT) - REGION_START) / mem_host.block));
        CHECK(lent_block_next(&at, pfn + 1) != NULL);
        owned = host.owned + at;
    }
}

/* True at any moment, with all workers in the middle of something. */
static void check_always(void)
{
    struct memory_stats stats;

    shim_chaos_held = true;
    mm_check_all(false);
    memory_stats_get(&stats);
    CHECK(stats.total >= at_start.total && stats.total <= at_start.total + mem_host.plugged);
    for (uint64_t i = 0; i < mem_host.size / mem_host.block; i++)
        CHECK(!uses(i) || mem_host.blocks[i]);
    check_owned();
    shim_chaos_held = false;
}

/* What the host was told to be free has not been touched since. */
static void check_reported(void)
{
    for (unsigned row = 0; row < BUDDY_ROWS; row++)
        for (unsigned order = 0; order <= MAX_ORDER; order++)
            for (uint32_t pfn = buddy.lists[row][REPORTED][order].head; pfn;
                 pfn = pfn_to_page(pfn)->next)
                CHECK_EQ(shim_backed((uint64_t)pfn << PAGE_SHIFT, PAGE_SIZE << order), 0);
}

/* True when all workers wait: devices and mm agree to the byte. */
static void check_rest(void)
{
    const struct vmem *vmem = mem_host_vmem();
    struct memory_stats stats;

    shim_chaos_held = true;
    mm_check_all(true);
    memory_stats_get(&stats);
    mem_host_check(mem_host.plugged);
    host_check_agreement(host.owned_pages);
    /* Short of the target only for a reason, or while a page in the way is waited for. */
    CHECK(mem_host.plugged == vmem_target(vmem) || vmem->reason ||
          vmem->activity == VMEM_UNPLUGGING);
    CHECK_EQ(stats.total, at_start.total + mem_host.plugged);
    CHECK(stats.free >= stats.reported && stats.free >= stats.elastic_free);
    CHECK(memory_promises_kept());
    for (uint64_t i = 0; i < mem_host.size / mem_host.block; i++)
        if (!mem_host.blocks[i])
            CHECK_EQ(shim_backed(mem_host.start + i * mem_host.block, mem_host.block), 0);
    check_reported();
    shim_chaos_held = false;
    most_ballooned = MAX(most_ballooned, stats.ballooned);
    most_plugged = MAX(most_plugged, mem_host.plugged);
}

/* ---- the host ---- */

static void resize(void)
{
    mem_host_request(&mem_host, unit_random_below(2) ? unit_random_below(513) * MIB
                                                     : unit_random_below(64) * MIB);
}

static void set_target(void)
{
    fake_config_set32(host.fake, BALLOON_CONFIG_NUM_PAGES,
                      (uint32_t)unit_random_below(unit_random_below(2) ? 90000 : 5000));
    fake_config_changed(host.fake);
}

static void refuse(void)
{
    mem_host_lie(unit_random_below(2) ? VMEM_UNPLUG : VMEM_PLUG,
                 unit_random_below(2) ? LIE_BUSY : LIE_NACK, 0, 1);
}

static void wait_a_little(void)
{
    shim_advance(unit_random_below(1000) * NS_PER_MS);
}

/* ---- the storm ---- */

static void start(unsigned seed)
{
    static const uint64_t blocks[] = {2 * MIB, 1 * MIB, 8 * MIB, 32 * MIB};
    uint64_t features = FEATURE(BALLOON_F_PAGE_REPORTING);

    if (seed & 1)
        features |= FEATURE(BALLOON_F_DEFLATE_ON_OOM);
    shim_set_cpus(1 + seed % 3);
    host_create(features, LAYOUT_COMPACT);
    mem_host_create(0, FEATURE(VMEM_F_UNPLUGGED_INACCESSIBLE),
                    blocks[seed % ARRAY_SIZE(blocks)], REGION_START, REGION_SIZE);
    mem_host.relaxed = true;
    shim_boot(BOOT_MEMORY);
    CHECK_EQ(virtio_device_add(&host.fake->dev), 0);
    mem_host_add();
    CHECK(host.fake->dev.live && mem_host.fake->dev.live);
    load_start();
    memory_stats_get(&at_start);
    check_rest();
}

static void end(void)
{
    struct memory_stats stats;

    shim_chaos(0);
    load_end();
    memset(mem_host.script, 0, sizeof(mem_host.script));
    mem_host_request(&mem_host, 0);
    host_set_target(0);
    shim_advance(30 * NS_PER_S);
    check_rest();
    mem_host_check(0);
    host_check_agreement(0);
    memory_stats_get(&stats);
    CHECK_EQ(stats.movable, at_start.movable);
    CHECK_EQ(stats.kernel_reserve, 0);
    CHECK(stats.kernel <= at_start.kernel + 256 * KIB);
    CHECK_EQ(host.fake->dev.resets + mem_host.fake->dev.resets, 0);
}

TEST_CASES(storm, 6)
{
    void (*const steps[])(void) = {
        load_commit, load_commit, load_touch, load_give_back, load_kernel,
        resize,      set_target,  refuse,     thread_yield,   wait_a_little,
    };

    start(test_case);
    shim_chaos(test_case + 1);
    for (unsigned i = 0; i < STEPS; i++) {
        steps[unit_random_below(ARRAY_SIZE(steps))]();
        check_always();
        if (unit_random_below(2)) {
            shim_settle();
            check_rest();
        }
        if (i % 50 == 0)
            load_check();
    }
    end();
    unit_note("at most %llu MiB plugged, %llu ballooned",
              (unsigned long long)most_plugged / MIB, (unsigned long long)most_ballooned / MIB);
    CHECK(host.reported_bytes && most_ballooned && host_balloon()->count.vacated);
}
