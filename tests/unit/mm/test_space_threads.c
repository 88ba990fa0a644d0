/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests: threads that write, check, give back and protect pages of shared large pages
 * while another one moves them.
 */
#include "../../../mm/space.h"
#include "support.h"
#include <neap/thread.h>

#define AREA_PAGES 1536 /* three large pages */
#define USERS      3
#define STEPS      1500

static uintptr_t base;
static uint64_t stamps[AREA_PAGES]; /* page i is the (i % USERS)-th thread's */
static unsigned finished;
static uint64_t moves;

static volatile uint64_t *word_of(uint64_t i)
{
    return (volatile uint64_t *)(base + i * PAGE_SIZE + (i * 8) % PAGE_SIZE);
}

static void use_page(uint64_t i)
{
    uintptr_t va = base + i * PAGE_SIZE;

    switch (unit_random_below(8)) {
    case 0:
        CHECK_EQ(space_discard(va, PAGE_SIZE), 0);
        stamps[i] = 0;
        break;
    case 1:
        CHECK_EQ(space_decommit(va, PAGE_SIZE), 0);
        CHECK_EQ(space_commit(va, PAGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
        stamps[i] = 0;
        break;
    case 2:
        CHECK_EQ(space_protect(va, PAGE_SIZE, SPACE_NONE), 0);
        thread_yield();
        CHECK_EQ(space_protect(va, PAGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
        break;
    default:
        stamps[i] = unit_random();
        *word_of(i) = stamps[i];
    }
    CHECK_EQ(*word_of(i), stamps[i]);
}

static void user(void *arg)
{
    uint64_t self = (uint64_t)(uintptr_t)arg;

    for (unsigned step = 0; step < STEPS; step++) {
        use_page(unit_random_below(AREA_PAGES / USERS) * USERS + self);
        if (step % 8 == 0)
            thread_yield();
    }
    finished++;
}

static struct page *block_at(uint64_t i)
{
    irqflags_t flags = spin_lock(&pgtable_lock);
    struct pgtable_walk walk = pgtable_walk(&kernel_pgtable, base + i * PAGE_SIZE, 0);
    struct page *block = NULL;

    if (entry_has_block(*walk.slot, walk.level))
        block = phys_to_page(pte_phys(*walk.slot, walk.level));
    spin_unlock(&pgtable_lock, flags);
    return block;
}

/* One block, or single pages from everywhere together. */
static void move_some(void)
{
    struct page *blocks[SPACE_BATCH_MAX];
    uint64_t wanted = 1 + unit_random_below(2) * unit_random_below(SPACE_BATCH_MAX);
    unsigned nr = 0;

    for (uint64_t i = 0; i < wanted; i++) {
        blocks[nr] = block_at(unit_random_below(AREA_PAGES));
        nr += blocks[nr] != NULL;
    }
    if (nr)
        moves += (nr == 1 ? space_evacuate(blocks[0]) : space_evacuate_pages(blocks, nr)) == 0;
}

static void mover(void *arg)
{
    (void)arg;
    while (finished < USERS) {
        move_some();
        if (unit_random_below(8) == 0)
            (void)space_reform(base + unit_random_below(AREA_PAGES) * PAGE_SIZE);
        thread_yield();
    }
    finished++;
}

TEST_CASES(space_threads_and_moves, 8)
{
    struct space_stats stats;

    shim_set_cpus(3);
    shim_boot(64 * MIB);
    base = space_reserve(AREA_PAGES * PAGE_SIZE, LARGE_SIZE);
    CHECK_EQ(space_commit(base, AREA_PAGES * PAGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    shim_chaos(test_case + 1);
    shim_chaos_calls = true;
    for (uintptr_t i = 0; i < USERS; i++)
        CHECK(thread_create("user", THREAD_NORMAL, user, (void *)i) != NULL);
    CHECK(thread_create("mover", THREAD_NORMAL, mover, NULL) != NULL);
    while (finished <= USERS)
        thread_yield();
    for (uint64_t i = 0; i < AREA_PAGES; i++)
        CHECK_EQ(*word_of(i), stamps[i]);
    space_stats_get(&stats);
    unit_note("%llu moves, %llu waits, %llu re-formed, %llu splits", (unsigned long long)moves,
              (unsigned long long)stats.waits, (unsigned long long)stats.reformed,
              (unsigned long long)stats.splits);
    CHECK(moves > 0 && stats.waits > 0);
    shim_chaos(0);
    space_check();
    CHECK_EQ(space_release(base, AREA_PAGES * PAGE_SIZE), 0);
    CHECK_EQ(space_promised_pages(), 0);
    check_everything();
}
