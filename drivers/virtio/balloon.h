/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The traditional memory balloon (virtio 1.4, 5.5): what its files share.
 *
 * One worker thread owns everything that changes while the device lives: chunks, batches, the
 * hinting round. Others only leave wishes and wake it, so there is no lock to order against
 * whatever an allocating thread holds when memory runs short.
 */
#ifndef VIRTIO_BALLOON_H
#define VIRTIO_BALLOON_H

#include "worker.h"
#include <neap/alloc.h>
#include <neap/lock.h>
#include <neap/movable.h>
#include <neap/reporting.h>
#include <neap/virtio.h>
#include <neap/wait.h>
#include <neap/work.h>

enum balloon_feature {
    BALLOON_F_MUST_TELL_HOST = 0,
    BALLOON_F_STATS_VQ = 1,
    BALLOON_F_DEFLATE_ON_OOM = 2,
    BALLOON_F_FREE_PAGE_HINT = 3,
    BALLOON_F_PAGE_POISON = 4,
    BALLOON_F_PAGE_REPORTING = 5,
    BALLOON_F_WORKING_SET = 8, /* crosvm's own, not in the specification */
};

/* Configuration fields. */
#define BALLOON_CONFIG_NUM_PAGES 0
#define BALLOON_CONFIG_ACTUAL    4
#define BALLOON_CONFIG_HINT_ID   8
#define BALLOON_CONFIG_POISON    12

enum balloon_queue {
    BALLOON_INFLATE,
    BALLOON_DEFLATE,
    BALLOON_STATS,
    BALLOON_HINT,
    BALLOON_REPORT,
    BALLOON_QUEUES,
};

/* The device counts in units of 4 KiB, whatever the page size. */
#define BALLOON_PAGE_SHIFT 12
_Static_assert(PAGE_SHIFT == BALLOON_PAGE_SHIFT, "one page is one balloon page");

/* Page numbers in one request, and requests in one batch: 16 MiB a batch. */
#define BALLOON_REQUEST_PAGES 256u
#define BALLOON_REQUESTS      16u
#define BALLOON_BATCH_PAGES   (BALLOON_REQUEST_PAGES * BALLOON_REQUESTS)

/* Ranges in one report. */
#define BALLOON_REPORT_RANGES 32

/* Blocks of pages that we hold, by order, linked through struct page. */
struct balloon_chunks {
    uint32_t head[MAX_ORDER + 1]; /* frame number, 0: none */
    uint64_t pages;
};

#define BALLOON_STATS_TAGS        10
#define BALLOON_STATS_ENTRY_BYTES 10

struct balloon {
    struct virtio_device *dev;                /* NULL: no live device */
    struct virtqueue *queues[BALLOON_QUEUES]; /* NULL: not in use */
    unsigned queue_numbers[BALLOON_QUEUES];

    struct virtio_worker worker;
    struct waitqueue answers; /* the worker waits here for the device */
    bool config_changed;      /* a wish: look at the configuration */

    uint64_t target;                /* pages the host wants */
    uint64_t actual;                /* pages the host owns; accounted */
    uint64_t unmet;                 /* pages of it that cannot be taken now */
    uint64_t told_target;           /* an unmet target was logged for this value */
    bool oom_hold;                  /* gave memory back: do not chase the target again yet */
    uint64_t hold_end_ns;           /* and not before this time */
    struct balloon_chunks inflated; /* the host owns them */
    struct balloon_chunks moving;   /* told, not acknowledged yet */
    uint32_t *batch;                /* page numbers of the batch that is being told */
    unsigned batch_pages;

    struct reclaimer reclaimer;
    bool reclaimer_registered;
    bool reclaimable;        /* the worker will serve */
    uint64_t reclaim_asked;  /* pages, ever; any thread adds */
    uint64_t reclaim_served; /* pages of reclaim_asked that were dealt with */
    uint64_t reclaim_freed;  /* pages, ever */

    struct lender lender;
    bool lending;          /* registered, and the worker will serve */
    uint64_t vacate_asked; /* numbers of the wish, and of the last one that was served */
    uint64_t vacate_served;
    pfn_t vacate_start, vacate_end;
    uint64_t vacate_limit_ns; /* the worker gives up then */
    uint64_t vacate_freed;    /* pages, of the last wish */

    struct virtio_work stats_work;
    uint8_t *stats; /* BALLOON_STATS_TAGS entries */

    struct balloon_chunks hinted;
    uint32_t hint_round; /* command id of the round that runs, 0: none */
    uint32_t hint_last;  /* newest command id that a round was started for */
    unsigned hint_in_flight;
    uint32_t *hint_words; /* the id and the STOP that bracket a round */

    struct reporting_device reporting;
    struct waitqueue report_answers;
    bool reporting_registered;
    struct virtio_sg report_sg[BALLOON_REPORT_RANGES];

    struct {
        uint64_t requests;  /* inflate and deflate requests acknowledged */
        uint64_t oom_pages; /* given back before an allocation failed */
        uint64_t vacated;   /* pages given back because their place was wanted */
        uint64_t stats;     /* statistics buffers filled */
        uint64_t hint_rounds;
    } count;
};

/* ---- balloon_queues.c ---- */

/* Find out the numbers of the queues that `dev` has and create those in use. */
int balloon_find_queues(struct balloon *balloon, struct virtio_device *dev);

/* ---- balloon_chunks.c ---- */

void balloon_chunk_push(struct balloon_chunks *chunks, struct page *page, unsigned order);
/* Take a chunk of this order; NULL when there is none. */
struct page *balloon_chunk_pop(struct balloon_chunks *chunks, unsigned order);
/* Take out this chunk, which is in the list. */
void balloon_chunk_remove(struct balloon_chunks *chunks, struct page *page);
/* Give one block back to the buddy. */
void balloon_free_block(struct page *page);
/* Give every chunk back to the buddy; returns the pages. */
uint64_t balloon_chunks_free(struct balloon_chunks *chunks);
/* Move everything from one list to the other. */
void balloon_chunks_move(struct balloon_chunks *to, struct balloon_chunks *from);

/* ---- balloon_worker.c ---- */

void balloon_worker_init(struct balloon *balloon);

/* ---- balloon_inflate.c, worker only ---- */

/* Free memory that is never taken, bytes. */
uint64_t balloon_floor(void);
/* May so much be taken now without going below the floor or breaking a promise (space.h)? */
bool balloon_may_take(uint64_t bytes);
/* A free block of at most 2^*order pages, at least 2^minimum, above the floor; or NULL. */
struct page *balloon_take_block(unsigned *order, unsigned minimum);
/* One batch towards the target. Returns whether there is more to do at once. */
bool balloon_adjust(struct balloon *balloon);
/*
 * Take about `pages` back from the host, one batch at most; `best_fit`: preferably as one
 * chunk. Returns how many, 0 when there are none or the device does not answer.
 */
uint64_t balloon_deflate(struct balloon *balloon, uint64_t pages, bool best_fit);

/* Put a chunk, in no list now, into the batch that is told next. */
void balloon_batch_add(struct balloon *balloon, struct page *page, unsigned order);
/* Take the chunks of the batch back; how many pages, 0: none or the device does not answer. */
uint64_t balloon_deflate_batch(struct balloon *balloon);

/* ---- balloon_vacate.c ---- */

/* Begin to leave places that are wanted; end it, after `freed` pages came back. */
void balloon_vacate_start(struct balloon *balloon);
void balloon_vacate_stop(struct balloon *balloon, uint64_t freed);
/* Worker: leave the place that is wanted. */
void balloon_vacate_serve(struct balloon *balloon);
bool balloon_vacate_pending(const struct balloon *balloon);

/* ---- balloon_oom.c ---- */

void balloon_oom_init(struct balloon *balloon);
/* Begin to help threads that are short of memory; end it, after `freed` pages came back. */
void balloon_oom_start(struct balloon *balloon);
void balloon_oom_stop(struct balloon *balloon, uint64_t freed);
/* Worker: serve the threads that are short of memory. */
void balloon_oom_serve(struct balloon *balloon);
bool balloon_oom_pending(const struct balloon *balloon);

/* ---- balloon_stats.c ---- */

void balloon_stats_init(struct balloon *balloon, struct virtio_device *dev);
/* Offer the first, filled buffer. */
int balloon_stats_offer(struct balloon *balloon);
void balloon_stats_callback(struct virtqueue *queue, void *arg);

/* ---- balloon_hint.c, worker only ---- */

/* Follow the command id of the configuration. Returns whether there is more to do at once. */
bool balloon_hint(struct balloon *balloon);
/* Give up to `pages` hinted pages back under pressure; returns how many. */
uint64_t balloon_hint_reclaim(struct balloon *balloon, uint64_t pages);
/* Give those back that touch [start, end); returns the pages. */
uint64_t balloon_hint_vacate(struct balloon *balloon, pfn_t start, pfn_t end);

/* ---- balloon_report.c ---- */

void balloon_report_start(struct balloon *balloon);
void balloon_report_stop(struct balloon *balloon);

#endif
