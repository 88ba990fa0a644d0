/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory device's driver on all of mm/: how many requests an unplug takes. */
#include "../virtio/fake_mem.h"
#include <neap/space.h>
#include <neap/timer.h>

#define REGION (256 * MIB)
#define LIVE   10 /* one page in so many */

static uintptr_t area;

/* Fill the region and give back all but one page in ten. */
static void scatter(void)
{
    const uint64_t pages = REGION >> PAGE_SHIFT;

    area = space_reserve(REGION, PAGEBLOCK_PAGES * PAGE_SIZE);
    CHECK_EQ(space_commit(area, REGION, SPACE_READ | SPACE_WRITE), 0);
    for (uint64_t i = 0; i < pages; i++)
        *(volatile uint64_t *)(area + i * PAGE_SIZE) = i;
    for (uint64_t i = 0; i < pages; i += LIVE)
        CHECK_EQ(space_decommit(area + (i + 1) * PAGE_SIZE,
                                MIN(LIVE - 1, pages - i - 1) * PAGE_SIZE),
                 0);
}

static void check_contents(void)
{
    for (uint64_t i = 0; i < REGION >> PAGE_SHIFT; i += LIVE)
        CHECK_EQ(*(volatile uint64_t *)(area + i * PAGE_SIZE), i);
}

/* 128 subblocks with live pages in each of them: neighbours share a request. */
TEST(unplug_in_few_requests)
{
    mem_host_start(2 * MIB, REGION / (2 * MIB));
    mem_host_resize(REGION);
    scatter();
    mem_host_resize(0);
    shim_advance(NS_PER_S);
    mem_host_check(0);
    check_contents();
    unit_note("%u requests", mem_host.requests[VMEM_UNPLUG]);
    CHECK(mem_host.requests[VMEM_UNPLUG] <= 16);
}

/* MEM-012: who gets a page of memory that was just plugged finds zeros. */
TEST(plugged_memory_holds_anything)
{
    mem_host_start(2 * MIB, REGION / (2 * MIB));
    mem_host.scribbles = true;
    mem_host_resize(REGION);
    area = space_reserve(REGION, PAGEBLOCK_PAGES * PAGE_SIZE);
    CHECK_EQ(space_commit(area, REGION, SPACE_READ | SPACE_WRITE), 0);
    for (uint64_t i = 0; i < REGION / sizeof(uint64_t); i++)
        CHECK_EQ(((volatile uint64_t *)area)[i], 0);
}

/* The host asks for more again at each of them: never less is left than it wants. */
static uint64_t wanted;

static void rise(enum vmem_request_type type)
{
    if (type != VMEM_UNPLUG)
        return;
    CHECK(mem_host.plugged > wanted);
    wanted = ALIGN_DOWN(mem_host.plugged / 2, 2 * MIB);
    mem_host_request(&mem_host, wanted);
}

TEST(unplug_of_many_is_never_too_much)
{
    mem_host_start(2 * MIB, REGION / (2 * MIB));
    mem_host_resize(REGION);
    scatter();
    mem_host.on_request = rise;
    mem_host_resize(3 * 2 * MIB);
    shim_advance(NS_PER_S);
    mem_host.on_request = NULL;
    mem_host_check(mem_host.requested);
    check_contents();
}
