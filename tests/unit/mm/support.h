/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of mm/ share: a host that takes reports, a model of who holds which page. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include "../../../mm/internal.h"
#include "../../../mm/reporting.h"
#include "shim.h"
#include "unit.h"
#include <errno.h>
#include <neap/reporting.h>
#include <neap/timer.h>
#include <string.h>

/* --- the host --- */

struct host {
    struct reporting_device device;
    int error;          /* answer this */
    uint64_t delay_ns;  /* think so long first */
    void (*hook)(void); /* called while a report is under way */
    uint64_t reports;
    uint64_t bytes; /* taken back, sum over all reports */
    uint64_t largest_range;
    unsigned most_ranges;
    bool busy;
    bool any_order; /* the order changes while reports are under way */
};
extern struct host host;

/* Register a host with this capacity and granularity. */
void host_start(unsigned capacity, uint64_t granularity);

/* Memory that the host has to back now. */
uint64_t host_backed(void);

/* Free memory that was reported must not have been touched since. */
void check_reported_untouched(void);

/* Free memory that the host has, and that it does not have yet. */
uint64_t stat_reported(void);
uint64_t stat_unreported(void);

/* --- the model --- */

struct held {
    struct page *page;
    uint64_t pages;
    unsigned order;
    bool contiguous;
    uint64_t stamp;
};

#define HELD_MAX 4096
extern struct held held[HELD_MAX];
extern unsigned nr_held;

/* Allocate, check the result against everything held, mark it; NULL: none was free. */
struct held *model_alloc(unsigned order, enum page_kind kind, unsigned flags);
struct held *model_alloc_contiguous(uint64_t pages, uint64_t align, enum page_kind kind);
/* Hold `bytes` of movable memory in blocks of the top order. */
void model_take(uint64_t bytes);
/* Check that the contents survived, and give it back. */
void model_free(unsigned index);
void model_free_all(void);

/* All invariants, the sums of memory_stats_get(), and what the model holds. */
void check_everything(void);

#endif
