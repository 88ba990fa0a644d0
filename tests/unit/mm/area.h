/* SPDX-License-Identifier: BSD-2-Clause */
/* An area of the address space whose pages carry their number. */
#ifndef TEST_AREA_H
#define TEST_AREA_H

#include "../../../mm/space.h"
#include "support.h"

#define AREA_PROT (SPACE_READ | SPACE_WRITE)

extern uintptr_t area;

/* Boot, reserve and commit `size` bytes. */
void area_start(uint64_t memory, uint64_t size);

static inline volatile uint64_t *area_word(uint64_t page)
{
    return (volatile uint64_t *)(area + page * PAGE_SIZE + page * 8 % PAGE_SIZE);
}

/* Write the pages [first, end), and check what they hold. */
void area_write(uint64_t first, uint64_t end);
void area_check(uint64_t first, uint64_t end);

/* Touch the large page at page `first` whole, then break it into single pages in its place. */
void area_split(uint64_t first);

/* The head of the block at a page, NULL: not touched. Also of pages that are away. */
struct page *area_block(uint64_t page);

/* Behave like a mover: take a page out of reach, and put it back `ns` later (0: never). */
void area_take_away(uint64_t page, uint64_t ns);
void area_put_back(uint64_t page);

#endif
