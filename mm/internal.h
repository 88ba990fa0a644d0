/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of mm/ share.
 *
 * Spinlocks, outermost first: pgtable_lock (kernel page tables), blocks_lock (raw memory,
 * memory blocks), buddy.lock (free lists, frames of free blocks, reporting policy). Activating
 * a memory block takes all three, so pages are never allocated under any of them.
 */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

#include <neap/alloc.h>
#include <neap/cpu.h>
#include <neap/lock.h>
#include <neap/memory.h>
#include <neap/pgtable.h>

#include "raw.h"
#include "spare.h"
#include "tables.h"

/* --- buddy.c, buddy_lists.c --- */

/*
 * Rows of lists: one for each kind of page, and one for elastic memory. Outside of it, whole
 * pageblocks and larger have no kind: they form one pool (in the row of PAGE_KERNEL).
 */
#define ROW_ELASTIC PAGE_KINDS
#define BUDDY_ROWS  (ROW_ELASTIC + 1)

struct free_list {
    uint32_t head;
    uint32_t tail;
};

enum warmth {
    WARM,     /* the host may hold pages for it */
    REPORTED, /* the host was told that it is free */
    WARMTHS,
};

/* The orders, and room up to a power of two: the place of a list is found by shifts. */
#define ORDER_SLOTS 16

struct buddy {
    struct spinlock lock;
    struct free_list lists[BUDDY_ROWS][WARMTHS][ORDER_SLOTS];
    uint16_t nonempty[BUDDY_ROWS][WARMTHS]; /* bit per order */
    uint64_t blocks[WARMTHS][ORDER_SLOTS];
    uint64_t pages[WARMTHS];    /* on the lists */
    uint64_t isolated[WARMTHS]; /* pages off the lists in PAGE_ISOLATED */
    uint64_t reportable;        /* warm pages in blocks of the reporting order or more */
    uint64_t cold_taken;        /* pages handed out that had been reported */
    uint64_t elastic_pages;     /* plugged */
    uint64_t elastic_free;      /* pages on the lists of elastic memory */
    uint64_t kernel_reserve;    /* pages of elastic memory that the kernel claimed */
    uint64_t kernel_floor;      /* pages of boot memory that movable memory leaves free */
    uint64_t wanted_free;       /* pages on the lists from which on a waiter is told */
    uint64_t pieces;            /* free pages for applications in less than a pageblock */
    uint64_t compact_at;        /* as many of them are worth a look */
    /* What is freed in this range goes to the isolation instead of a list; empty: end = 0. */
    pfn_t isolate_start;
    pfn_t isolate_end;
    bool leaving; /* what is isolated there is about to be unplugged */
};
extern struct buddy buddy;

/* Boot memory that applications leave to the kernel while there is elastic memory for them. */
#define KERNEL_FLOOR_PAGES (UINT64_C(2) * MIB >> PAGE_SHIFT)

/* More flags of struct page. */
#define PAGE_HELD_MOVABLE 0x02 /* allocated as PAGE_MOVABLE */
#define PAGE_POISONED     0x04 /* debug: filled when it went on a per-CPU list */

static inline uint64_t order_pages(unsigned order)
{
    return UINT64_C(1) << order;
}

static inline bool page_reported(const struct page *page)
{
    return page->flags & PAGE_REPORTED;
}

static inline bool page_elastic(const struct page *page)
{
    return page->flags & PAGE_ELASTIC;
}

/* Row of buddy.lists that a free block belongs to. Under buddy.lock. */
unsigned buddy_row(const struct page *page, unsigned order);

/* Does the block reach into the range that is being isolated? A hint without buddy.lock. */
static inline bool buddy_isolating(pfn_t pfn, unsigned order)
{
    return pfn < READ_ONCE(buddy.isolate_end) &&
           pfn + order_pages(order) > READ_ONCE(buddy.isolate_start);
}

/* Pages on the lists of boot memory, what the kernel claimed included. Under buddy.lock. */
static inline uint64_t buddy_boot_free(void)
{
    return buddy.pages[WARM] + buddy.pages[REPORTED] - buddy.elastic_free;
}

/* `pages` of elastic memory were plugged, or unplugged. Under buddy.lock. */
void buddy_note_plugged(int64_t pages);

/* Put a block on its list, or take it off. No merging. Under buddy.lock. */
void buddy_insert(struct page *page, unsigned order, bool reported);
void buddy_remove(struct page *page);

/* First block of a list in allocation order for `kind`, NULL: empty. Under buddy.lock. */
struct page *buddy_first(enum page_kind kind, unsigned row, enum warmth warmth, unsigned order);

/* Give a block back and merge it with its neighbours. Under buddy.lock. */
void buddy_free(struct page *page, unsigned order, bool reported);

/* Cut [start, end) into maximal blocks and give them back. Under buddy.lock. */
void buddy_free_range(pfn_t start, pfn_t end, bool reported);

/* Largest order of a block that may start at `pfn` and ends at or before `end`. */
unsigned buddy_fit_order(pfn_t pfn, pfn_t end);

#define TAKE_STEAL 0x1 /* break blocks of the other kind's pageblocks, too */
#define TAKE_FLOOR 0x2 /* movable memory from below the kernel's floor */

/* Take a block of `order` off the lists, in PAGE_ALLOCATED. NULL: none. Under buddy.lock. */
struct page *buddy_take(unsigned order, enum page_kind kind, unsigned how);

/* --- isolate.c --- */

/* Adding and removing memory, and contiguous ranges: one at a time. */
extern struct mutex mm_mutex;

/* A block that reaches into the range under isolation is free. Under buddy.lock. */
void isolate_freed(struct page *page, unsigned order, bool reported);

/* The head of the block that covers an active frame, else the frame itself. Under buddy.lock.
 */
struct page *buddy_covering_head(pfn_t pfn);

/* --- elastic_reserve.c --- */

/*
 * Boot memory has no block of `order` left: claim elastic memory for the kernel. Returns
 * whether it is worth trying again. Thread context.
 */
bool elastic_claim(unsigned order, bool ask_lenders);

/* The kernel took boot memory, or gave some back. Under buddy.lock. */
void kernel_reserve_note_taken(void);
void kernel_reserve_note_freed(void);

/* --- notify.c --- */

/* There is as much free memory as somebody waits for. Under buddy.lock. */
void elastic_note_free(void);

/* Mark a block as held by `kind`. Under buddy.lock or by the holder. */
static inline void page_set_allocated(struct page *page, unsigned order, enum page_kind kind)
{
    page->state = PAGE_ALLOCATED;
    page->order = (uint8_t)order;
    page->flags = (page->flags & PAGE_ELASTIC) | (kind == PAGE_MOVABLE ? PAGE_HELD_MOVABLE : 0);
    page->owner = 0;
}

/* --- alloc.c --- */

/* Say, at most once a second, that so much memory could not be had. Any context. */
void alloc_complain(uint64_t pages, enum page_kind kind);

/* --- cpu_cache.c --- */

#define CPU_CACHE_ORDERS 4

/* One block from this CPU's cache, filled from the buddy when it is empty. Any context. */
struct page *cpu_cache_get(unsigned order, enum page_kind kind);
void cpu_cache_put(struct page *page, unsigned order);

/* Move this CPU's cached blocks to the buddy. Any context. */
void cpu_cache_drain_local(void);

/* Pages in all caches, and those for one kind. Exact when nothing else runs. */
uint64_t cpu_cache_pages(void);
uint64_t cpu_cache_pages_of(enum page_kind kind);

/* Count a block that was handed out (pages > 0) or came back, and a failed call. Any context.
 */
void account_pages(enum page_kind kind, int64_t pages);
void account_failure(void);

struct memory_accounts {
    int64_t kernel, movable; /* pages handed out */
    uint64_t allocations, failures;
};
void accounts_get(struct memory_accounts *sum);

/* --- failpoint.c --- */

/* Shall this allocation fail by alloc_inject_failure()? */
bool failpoint_hit(void);

/* --- poison.c --- */

extern int poison_value; /* page_poison() */
void page_poison_write(pfn_t pfn, uint64_t pages);

/* Fill mapped frames that nobody holds with the poison value, if there is one. */
static inline void page_poison_fill(pfn_t pfn, uint64_t pages)
{
    if (__builtin_expect(poison_value != PAGE_POISON_OFF, 0))
        page_poison_write(pfn, pages);
}

/* --- reclaim.c --- */

/* Ask the reclaimers for `pages` frames. Returns whether any came. Thread context. */
bool reclaim_pages(uint64_t pages);

/* --- block.c: memory blocks --- */

#define BLOCK_PAGES    (UINT64_C(1) << (MEM_BLOCK_SHIFT - PAGE_SHIFT))
#define GRANULE_PAGES  (PAGE_SIZE / sizeof(struct page)) /* frames that one frame page holds */
#define BLOCK_GRANULES (BLOCK_PAGES / GRANULE_PAGES)
#define PFN_LIMIT      (UINT64_C(1) << 32) /* links in struct page have 32 bits */

/* One memory block; a descriptor is never removed. */
struct mem_block {
    uint64_t present[BLOCK_GRANULES / 64]; /* granules whose frames exist */
    uint16_t *free; /* free elastic pages by granule; NULL: no such memory was ever here */
    uint32_t pages; /* frames that the buddy manages, metadata included */
};

/* Descriptors lie in pages of their own, one page for many blocks, made when first needed. */
#define LEAF_BLOCKS (PAGE_SIZE / sizeof(struct mem_block))
#define NR_LEAVES   (PFN_LIMIT / BLOCK_PAGES / LEAF_BLOCKS + 1)

extern struct mem_block *block_directory[NR_LEAVES];

/* The descriptor of block `index`, NULL: there never was such a block. Any context. */
static inline struct mem_block *block_descriptor(uint64_t index)
{
    struct mem_block *leaf =
        __atomic_load_n(&block_directory[index / LEAF_BLOCKS], __ATOMIC_ACQUIRE);

    return leaf ? &leaf[index % LEAF_BLOCKS] : NULL;
}

/* The block that holds `pfn`, NULL when nothing of it is active. Any context. */
static inline struct mem_block *block_find(pfn_t pfn)
{
    struct mem_block *block = pfn < PFN_LIMIT ? block_descriptor(pfn / BLOCK_PAGES) : NULL;

    return block && READ_ONCE(block->pages) ? block : NULL;
}

/* The frame of a managed pfn, NULL when its frame does not exist. Any context. */
static inline struct page *block_page(pfn_t pfn)
{
    const struct mem_block *block = block_find(pfn);
    uint64_t granule = pfn % BLOCK_PAGES / GRANULE_PAGES;

    if (!block || !(block->present[granule / 64] >> granule % 64 & 1))
        return NULL;
    return pfn_to_page(pfn);
}

/* First pfn at or after `pfn` whose memory block is active; PFN_LIMIT: none. */
pfn_t block_next_active(pfn_t pfn);

/*
 * Take the lowest raw memory into use, unless that happened since `*generation` was read.
 * Returns 0 when there is new memory to look for, -ENOMEM when there is none. Any context.
 */
int block_activate_next(uint64_t *generation);

/* Take every raw part of [start, end) into use. Thread context. */
int block_activate_range(pfn_t start, pfn_t end);

/* How often memory was activated. */
uint64_t block_generation(void);

/* Refill the tables that activation uses. Not under a spinlock of mm. */
void block_refill_tables(void);

uint64_t block_metadata_pages(void);
uint64_t block_managed_pages(void);

/* Memory was added to what the allocator manages, or removed. Under both locks. */
void block_account(int64_t managed, int64_t metadata);

/* The page of zeroes that stands for frames without memory. */
pfn_t block_zero_pfn(void);

/* The frame map of one granule. */
static inline uintptr_t granule_va(uint64_t granule)
{
    return FRAME_MAP_BASE + granule * PAGE_SIZE;
}

/* --- stats.c --- */

void memory_set_image(uint64_t bytes);

/* --- reporting*.c: all under buddy.lock unless said otherwise --- */

#define REPORT_RANGES_MAX 64

/* A warm block of `order` went on a list, or came off. */
void reporting_note_added(unsigned order);
void reporting_note_removed(unsigned order);

/* `pages` of reported memory were handed out. */
void reporting_note_cold(uint64_t pages);

/* Wait until no report is under way and keep it so; let it go on. Thread context, no lock. */
void reporting_pause(void);
void reporting_resume(void);

/* Wait for a report under way; returns whether there was one. Thread context, no lock. */
bool reporting_wait_inflight(void);

/* Start the thread. */
void reporting_init(void);

unsigned reporting_order(void);

/* --- check.c --- */

/* mm_check(); `quiet`: nothing else runs, so per-CPU counts must be exact, too. */
void mm_check_all(bool quiet);

#endif
