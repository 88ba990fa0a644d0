/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: reserved addresses, memory that was promised, and what is pinned. */
#include "../../../mm/space.h"
#include "support.h"

static uintptr_t base;

TEST(space_reservations)
{
    uintptr_t a, b, c;

    shim_boot(64 * MIB);
    a = space_reserve(MIB, PAGE_SIZE);
    b = space_reserve(MIB, PAGE_SIZE);
    c = space_reserve(2 * GIB, GIB);
    CHECK_EQ(a, HEAP_BASE);
    CHECK_EQ(b, HEAP_BASE + MIB);
    CHECK_EQ(c, HEAP_BASE + GIB);
    CHECK_EQ(space_reserve_at(b + 5 * PAGE_SIZE, PAGE_SIZE), -EEXIST);
    CHECK_EQ(space_reserve_at(b + MIB - PAGE_SIZE, 2 * PAGE_SIZE), -EEXIST);
    CHECK_EQ(space_reserve_at(b + 1, PAGE_SIZE), -EINVAL);
    CHECK_EQ(space_reserve_at(HEAP_BASE + HEAP_SIZE, PAGE_SIZE), -EINVAL);
    CHECK_EQ(space_reserve_at(HEAP_BASE + HEAP_SIZE - PAGE_SIZE, PAGE_SIZE), 0);
    CHECK_EQ(space_reserve(HEAP_SIZE, PAGE_SIZE), 0);
    /* Ranges do not reach across reservations; parts may be released. */
    CHECK_EQ(space_commit(b - PAGE_SIZE, 2 * PAGE_SIZE, SPACE_READ), -EINVAL);
    CHECK_EQ(space_release(b + 16 * PAGE_SIZE, 16 * PAGE_SIZE), 0);
    CHECK_EQ(space_release(b + 16 * PAGE_SIZE, 16 * PAGE_SIZE), -EINVAL);
    CHECK_EQ(space_commit(b, MIB, SPACE_READ), -EINVAL);
    CHECK_EQ(space_commit(b, 16 * PAGE_SIZE, SPACE_READ), 0);
    CHECK_EQ(space_reserve(17 * PAGE_SIZE, PAGE_SIZE), b + MIB);
    CHECK_EQ(space_reserve(16 * PAGE_SIZE, PAGE_SIZE), b + 16 * PAGE_SIZE);
    CHECK_EQ(space_release(b, 16 * PAGE_SIZE), 0);
    CHECK_EQ(space_release(a, MIB), 0);
    CHECK_EQ(space_promised_pages(), 0);
    CHECK_EQ(space_reserve(MIB + PAGE_SIZE, PAGE_SIZE), a);
    CHECK_EQ(space_commit(c, GIB, SPACE_WRITE | SPACE_EXEC), -EACCES);
}

TEST(space_promises)
{
    uint64_t available;
    struct space_stats stats;

    shim_boot(64 * MIB);
    base = space_reserve(GIB, LARGE_SIZE);
    available = ALIGN_DOWN(space_available(), PAGE_SIZE);
    CHECK(available > 55 * MIB && available < 64 * MIB);
    CHECK_EQ(space_commit(base, GIB, SPACE_READ | SPACE_WRITE), -ENOMEM);
    CHECK_EQ(space_promised_pages(), 0);
    CHECK_EQ(space_commit(base, available, SPACE_READ | SPACE_WRITE), 0);
    CHECK_EQ(space_commit(base, available + MIB, SPACE_READ | SPACE_WRITE), -ENOMEM);
    CHECK_EQ(space_available() / MIB, 0);
    /* Single pages from both ends: what was promised is there, tables included. */
    for (uint64_t at = 0; at < available / 2; at += PAGE_SIZE) {
        *(uint64_t *)(base + at) = at;
        *(uint64_t *)(base + available - PAGE_SIZE - at) = at;
    }
    for (uint64_t at = 0; at < available / 2; at += PAGE_SIZE)
        CHECK_EQ(*(uint64_t *)(base + at), at);
    space_stats_get(&stats);
    CHECK_EQ(stats.refused, 2);
    CHECK_EQ(space_promised_pages(), 0);
    CHECK_EQ(space_release(base, GIB), 0);
    CHECK_EQ(ALIGN_DOWN(space_available(), MIB), ALIGN_DOWN(available, MIB));
    check_everything();
}

/* No large page is free, so every table that may be needed is: what was promised is there. */
TEST(space_promises_hold_in_fragmented_memory)
{
    struct page *page, *kept = NULL, *freed = NULL;
    uint64_t available, size;

    shim_boot(64 * MIB);
    while ((page = alloc_pages(0, PAGE_MOVABLE, ALLOC_OPTIONAL))) {
        struct page **chain = page_to_pfn(page) % 256 ? &freed : &kept;

        page->owner = (uintptr_t)*chain;
        *chain = page;
    }
    while (freed) {
        page = freed;
        freed = (struct page *)(uintptr_t)page->owner;
        free_pages(page, 0);
    }
    base = space_reserve(GIB, LARGE_SIZE);
    memcache_drain(&kernel_pgtable.cache);
    alloc_drain_cpu_caches();
    available = ALIGN_DOWN(space_available(), PAGE_SIZE);
    size = available + MIB;
    while (space_commit(base, size, SPACE_READ | SPACE_WRITE))
        size -= PAGE_SIZE;
    CHECK(size >= available && size < available + 64 * KIB);
    for (uint64_t at = 0; at < size; at += PAGE_SIZE)
        *(uint64_t *)(base + at) = at;
    CHECK_EQ(space_promised_pages(), 0);
    space_check();
}

TEST(space_keeps_pinned_pages)
{
    struct page *page;
    irqflags_t flags;
    uint64_t size;

    shim_boot(64 * MIB);
    base = space_reserve(4 * LARGE_SIZE, LARGE_SIZE);
    CHECK(!space_block_hold(base, SPACE_READ, &size, &flags));
    CHECK_EQ(space_commit(base, LARGE_SIZE, SPACE_READ), 0);
    CHECK(!space_block_hold(base, SPACE_WRITE, &size, &flags));
    CHECK_EQ(space_protect(base, LARGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    *(volatile uint64_t *)(base + 5 * PAGE_SIZE) = 55;
    page = space_block_hold(base + 5 * PAGE_SIZE, SPACE_WRITE, &size, &flags);
    CHECK_EQ(size, LARGE_SIZE - 5 * PAGE_SIZE);
    page->pins++;
    space_block_release(flags);
    CHECK_EQ(space_evacuate(page - 5), -EBUSY);
    CHECK_EQ(space_decommit(base, 4 * PAGE_SIZE), 0);
    CHECK_EQ(space_evacuate(page), -EBUSY);
    CHECK_EQ(space_evacuate(page + 1), 0);
    CHECK_EQ(space_release(base, 4 * LARGE_SIZE), -EBUSY);
    CHECK_EQ(*(volatile uint64_t *)(base + 5 * PAGE_SIZE), 55);
    CHECK(!shim_try_access(base + 6 * PAGE_SIZE, false));
    page->pins--;
    CHECK_EQ(space_release(base, 4 * LARGE_SIZE), 0);
    CHECK_EQ(space_promised_pages(), 0);
    check_everything();
}
