/* SPDX-License-Identifier: BSD-2-Clause */
/* Between block.c, which decides when a memory block is taken into use, and those who do it. */
#ifndef MM_BLOCK_H
#define MM_BLOCK_H

#include "internal.h"

/* One activation: all raw memory of one block. */
struct activation {
    pfn_t first;                            /* of the block */
    uint64_t granules[BLOCK_GRANULES / 64]; /* with raw memory */
    uint64_t frame_pages;                   /* how many these are */
    pfn_t metadata;                         /* frame pages, then leaf, zero page, boot tables */
    pfn_t metadata_end;
    unsigned boot_tables; /* pages set aside for early page tables, whole ones */
    bool new_leaf;        /* the directory needs another page */
    bool new_zero;        /* the zero page is made here */
    bool old;             /* frames exist: only memory that was busy then is added */
    bool busy;            /* some of the memory is being reported */
};

/* Page tables for mapping blocks; under blocks_lock. */
extern struct memcache block_tables;

/* Descriptors lie in pages of their own; the one with `index` is missing, and `leaf` is one. */
void block_set_leaf(uint64_t index, void *leaf);

/*
 * Plan the activation of block `index`; `boot_tables` pages are set aside, too. Returns false
 * when no piece of it can hold the metadata. Under blocks_lock.
 */
bool block_plan(struct activation *plan, uint64_t index, unsigned boot_tables);

/*
 * The direct map of the block's memory; false when block_tables ran low (call again after a
 * refill). Then its frames, which takes one path of tables at most. Under pgtable_lock and
 * blocks_lock.
 */
bool block_map_memory(const struct activation *plan);
void block_map_frames(const struct activation *plan);

/* Initialise the frames and hand the memory to the buddy. Needs the maps to be active. */
void block_populate(const struct activation *plan);

/* Forget memory that is too small to hold its own frames. */
void block_drop(const struct activation *plan);

#endif
