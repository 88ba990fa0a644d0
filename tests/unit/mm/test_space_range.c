/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: records of reserved addresses when memory is short and when ranges are cut. */
#include "area.h"
#include <neap/kmalloc.h>
#include <neap/thread.h>

#define PAGES 16

static uint64_t reserved(void)
{
    struct space_stats stats;

    space_stats_get(&stats);
    return stats.reserved;
}

TEST(range_cut_at_both_ends)
{
    uintptr_t va;

    shim_boot(64 * MIB);
    va = space_reserve(PAGES * PAGE_SIZE, PAGE_SIZE);
    CHECK_EQ(space_release(va, 4 * PAGE_SIZE), 0);
    CHECK_EQ(space_release(va + 12 * PAGE_SIZE, 4 * PAGE_SIZE), 0);
    CHECK_EQ(reserved(), 8 * PAGE_SIZE);
    CHECK_EQ(space_release(va + 7 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
    CHECK_EQ(reserved(), 6 * PAGE_SIZE);
    CHECK(!space_reserved(va + 4 * PAGE_SIZE, 4 * PAGE_SIZE));
    CHECK(space_reserved(va + 4 * PAGE_SIZE, 3 * PAGE_SIZE));
    CHECK(space_reserved(va + 9 * PAGE_SIZE, 3 * PAGE_SIZE));
    CHECK_EQ(space_release(va + 4 * PAGE_SIZE, 3 * PAGE_SIZE), 0);
    CHECK_EQ(space_release(va + 9 * PAGE_SIZE, 3 * PAGE_SIZE), 0);
    CHECK_EQ(reserved(), 0);
    check_everything();
}

/* Only a hole needs a record of its own; what fails has changed nothing. */
TEST(range_without_memory)
{
    uintptr_t va;

    shim_boot(64 * MIB);
    va = space_reserve(PAGES * PAGE_SIZE, PAGE_SIZE);
    CHECK_EQ(space_commit(va, PAGES * PAGE_SIZE, AREA_PROT), 0);
    *(volatile uint64_t *)(va + 4 * PAGE_SIZE) = 4;
    alloc_inject_failure(1, 1);
    while (kmalloc(32, ALLOC_OPTIONAL))
        ;
    CHECK_EQ(space_reserve(PAGE_SIZE, PAGE_SIZE), 0);
    CHECK_EQ(space_reserve_at(va + GIB, PAGE_SIZE), -ENOMEM);
    CHECK_EQ(space_release(va + 4 * PAGE_SIZE, PAGE_SIZE), -ENOMEM);
    CHECK_EQ(reserved(), PAGES * PAGE_SIZE);
    CHECK_EQ(*(volatile uint64_t *)(va + 4 * PAGE_SIZE), 4);
    alloc_inject_failure(0, 0);
    CHECK_EQ(space_release(va, PAGES * PAGE_SIZE), 0);
    CHECK_EQ(reserved(), 0);
}

TEST(range_outside)
{
    shim_boot(64 * MIB);
    CHECK_EQ(space_reserve(0, PAGE_SIZE), 0);
    CHECK_EQ(space_reserve(PAGE_SIZE + 1, PAGE_SIZE), 0);
    CHECK_EQ(space_reserve(HEAP_SIZE + PAGE_SIZE, PAGE_SIZE), 0);
    CHECK_EQ(space_reserve(PAGE_SIZE, 2 * HEAP_SIZE), 0);
    CHECK_EQ(space_release(HEAP_BASE - PAGE_SIZE, PAGE_SIZE), -EINVAL);
    CHECK_EQ(space_release(HEAP_BASE, PAGE_SIZE), -EINVAL);
    CHECK_EQ(space_reserve_at(HEAP_BASE + HEAP_SIZE - PAGE_SIZE, 2 * PAGE_SIZE), -EINVAL);
    CHECK(space_reserve(HEAP_SIZE, PAGE_SIZE) == HEAP_BASE);
    CHECK_EQ(space_reserve(PAGE_SIZE, PAGE_SIZE), 0);
    CHECK_EQ(space_release(HEAP_BASE, HEAP_SIZE), 0);
}

static uintptr_t shared;
static unsigned finished, released;

static void releaser(void *arg)
{
    uintptr_t va = shared + (uintptr_t)arg * PAGE_SIZE;
    int error = space_release(va, 4 * PAGE_SIZE);

    CHECK(error == 0 || error == -EINVAL);
    released += error == 0;
    finished++;
}

/* Several release the same and overlapping parts at once: every page counts once. */
TEST_CASES(range_released_by_many, 12)
{
    shim_boot(64 * MIB);
    shared = space_reserve(PAGES * PAGE_SIZE, PAGE_SIZE);
    CHECK_EQ(space_commit(shared, PAGES * PAGE_SIZE, AREA_PROT), 0);
    shim_chaos(test_case + 1);
    for (uintptr_t i = 0; i < 6; i++)
        CHECK(thread_create("releaser", THREAD_NORMAL, releaser, (void *)(4 + i / 2 * 2)));
    while (finished < 6)
        thread_yield();
    shim_chaos(0);
    CHECK(released > 0);
    CHECK_EQ(space_release(shared, 4 * PAGE_SIZE), 0);
    for (uint64_t i = 4; i < PAGES; i++)
        (void)space_release(shared + i * PAGE_SIZE, PAGE_SIZE);
    CHECK_EQ(reserved(), 0);
    CHECK_EQ(space_promised_pages(), 0);
    check_everything();
}
