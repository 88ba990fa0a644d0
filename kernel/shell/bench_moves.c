/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench: moving pages of an application. Who touches a page that moves waits for less than one
 * such operation.
 */
#include <neap/bench.h>
#include <neap/movable.h>
#include <neap/page.h>
#include <neap/pgtable.h>
#include <neap/space.h>

#define ROUNDS     64
#define LARGE_SIZE (PAGE_SIZE << PAGEBLOCK_ORDER)

static struct page *page_at(uintptr_t va, unsigned wanted)
{
    uint64_t phys;
    unsigned level;

    if (!pgtable_lookup(&kernel_pgtable, va, &phys, &level, NULL) || level != wanted)
        return NULL;
    return phys_to_page(phys);
}

/* Compaction may be faster, or have no place: that is no operation. */
static void move(struct bench_result *result, uintptr_t va, unsigned nr, unsigned level)
{
    struct page *pages[SPACE_BATCH_MAX] = {NULL};
    uint64_t begin, cycles;
    int error;

    for (unsigned i = 0; i < nr; i++) {
        pages[i] = page_at(va + i * PAGE_SIZE, level);
        if (pages[i] == NULL)
            return;
    }
    begin = arch_cycles();
    error = level ? space_evacuate(pages[0]) : space_evacuate_pages(pages, nr);
    cycles = arch_cycles() - begin;
    if (error)
        return;
    result->cycles += cycles;
    result->ops++;
}

static void measure(struct bench_result *result, unsigned nr, unsigned level)
{
    const uint64_t size = level ? LARGE_SIZE : nr * PAGE_SIZE;
    uintptr_t va = space_reserve(LARGE_SIZE, LARGE_SIZE);

    if (va && !space_commit(va, size, SPACE_READ | SPACE_WRITE)) {
        for (uint64_t done = 0; done < size; done += PAGE_SIZE)
            *(volatile char *)(va + done) = 1;
        for (unsigned round = 0; round < ROUNDS; round++)
            move(result, va, nr, level);
    }
    if (va)
        (void)space_release(va, LARGE_SIZE);
    if (result->ops == 0)
        result->skipped = "no free memory in pages of this size";
}

static void move_large(struct bench_result *result)
{
    measure(result, 1, 1);
}
BENCH(move_large, "move-large", "move a page of 2 MiB");

static void move_small(struct bench_result *result)
{
    measure(result, SPACE_BATCH_MAX, 0);
}
BENCH(move_small, "move-small", "move 32 pages of 4 KiB together");
