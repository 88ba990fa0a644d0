/* SPDX-License-Identifier: BSD-2-Clause */
/* See load.h. */
#include "load.h"
#include "unit.h"
#include <neap/alloc.h>
#include <neap/page.h>
#include <neap/space.h>
#include <string.h>

#define AREA_PAGES    (UINT64_C(262144))
#define KERNEL_BLOCKS 48

static uintptr_t area;
static bool committed[AREA_PAGES];
static uint64_t stamps[AREA_PAGES]; /* what each page holds; 0: not touched */
static struct page *kernel_blocks[KERNEL_BLOCKS];
static unsigned kernel_orders[KERNEL_BLOCKS];

static volatile uint64_t *word_of(uint64_t page)
{
    return (volatile uint64_t *)(area + page * PAGE_SIZE + page * 8 % PAGE_SIZE);
}

void load_check(void)
{
    for (uint64_t i = 0; i < AREA_PAGES; i++)
        if (stamps[i])
            CHECK_EQ(*word_of(i), stamps[i]);
}

static uint64_t random_range(uint64_t *pages)
{
    *pages = 1 + unit_random_below(unit_random_below(2) ? 8192 : 64);
    return unit_random_below(AREA_PAGES - *pages);
}

static void write_page(uint64_t page)
{
    CHECK_EQ(*word_of(page), stamps[page]);
    stamps[page] = unit_random() | 1;
    *word_of(page) = stamps[page];
}

/* Now and then as much as there is. */
void load_commit(void)
{
    uint64_t pages, first = random_range(&pages), stride;

    if (unit_random_below(4) == 0)
        pages = MAX(MIN(space_available() >> PAGE_SHIFT, AREA_PAGES - first), pages);
    stride = 1 + pages / 64;
    if (space_commit(area + first * PAGE_SIZE, pages * PAGE_SIZE, SPACE_READ | SPACE_WRITE))
        return;
    memset(committed + first, true, pages);
    for (uint64_t i = first; i < first + pages; i += stride)
        write_page(i);
}

/* Committed is promised: such a page is there when it is touched, whoever wants memory. */
void load_touch(void)
{
    uint64_t pages, first = random_range(&pages), touched = 0;

    for (uint64_t i = first; i < first + pages && touched < 4096; i++) {
        if (committed[i]) {
            write_page(i);
            touched++;
        }
    }
}

void load_give_back(void)
{
    uint64_t pages, first = random_range(&pages);
    bool keep = unit_random_below(3) == 0;
    int (*const give)(uintptr_t, uint64_t) = keep ? space_discard : space_decommit;

    if (give(area + first * PAGE_SIZE, pages * PAGE_SIZE))
        return; /* a large page could not be split */
    memset(stamps + first, 0, pages * sizeof(*stamps));
    if (!keep)
        memset(committed + first, false, pages);
}

static void free_kernel_block(unsigned i)
{
    if (!kernel_blocks[i])
        return;
    CHECK_EQ(*(uint64_t *)page_to_virt(kernel_blocks[i]), i);
    free_pages(kernel_blocks[i], kernel_orders[i]);
    kernel_blocks[i] = NULL;
}

static void use_kernel_block(unsigned i)
{
    if (kernel_blocks[i]) {
        free_kernel_block(i);
        return;
    }
    kernel_orders[i] = (unsigned)unit_random_below(MAX_ORDER);
    kernel_blocks[i] = alloc_pages(kernel_orders[i], PAGE_KERNEL, 0);
    if (kernel_blocks[i])
        *(uint64_t *)page_to_virt(kernel_blocks[i]) = i;
}

/* One block, or all of them, in bursts. */
void load_kernel(void)
{
    unsigned burst = unit_random_below(4) ? 1 : KERNEL_BLOCKS;

    while (burst-- > 0)
        use_kernel_block((unsigned)unit_random_below(KERNEL_BLOCKS));
}

void load_start(void)
{
    area = space_reserve(AREA_PAGES * PAGE_SIZE, PAGEBLOCK_PAGES * PAGE_SIZE);
    CHECK(area != 0);
}

void load_end(void)
{
    load_check();
    for (unsigned i = 0; i < KERNEL_BLOCKS; i++)
        free_kernel_block(i);
    CHECK_EQ(space_release(area, AREA_PAGES * PAGE_SIZE), 0);
}
