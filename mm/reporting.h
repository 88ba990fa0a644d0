/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the parts of free page reporting. Everything here is under buddy.lock. */
#ifndef MM_REPORTING_H
#define MM_REPORTING_H

#include "internal.h"
#include <neap/reporting.h>
#include <neap/timer.h>
#include <neap/wait.h>

#define ORDER_AUTO UINT32_MAX

struct thread;

struct reporting {
    struct reporting_device *device;
    bool enabled;       /* reporting=on|off */
    bool stopped;       /* the device failed: until it registers again */
    unsigned order;     /* smallest order that is reported */
    unsigned by_hand;   /* the order that was set, or ORDER_AUTO */
    unsigned capacity;  /* ranges per report */
    uint64_t threshold; /* buddy.reportable from which on a free block is looked at */

    struct thread *thread;
    bool wake;       /* the thread shall run */
    bool first_pass; /* what is free at registration was given up by nobody */
    bool raw_left;   /* there may be raw memory to report */
    bool in_flight;  /* a report is under way */
    unsigned paused; /* no new report may begin */
    bool gather_armed;
    struct timer gather;               /* collects a small amount for a moment */
    uint64_t flush_wanted, flush_done; /* tickets */
    struct waitqueue work;             /* the thread waits here */
    struct waitqueue idle;             /* for the end of a report or a flush */

    uint64_t reported_pages;
    uint64_t reports;
    uint64_t errors;
    uint64_t regret_pages;
};
extern struct reporting reporting;

/* May reports be made? */
bool reporting_active(void);

/* Look again at what there is to do: after any change of device, order, reserve or pause. */
void reporting_reconsider(void);

/* Let the thread run. */
void reporting_wake(void);

/* Set the order from what was set by hand, else from the device's wish. */
void reporting_choose_order(void);

/* The thread's function. */
void reporting_main(void *arg);

/* Could warm blocks of this size go to the host now? Reserve and interrupts come first. */
bool reporting_may_take(unsigned order);

/* --- reporting_reserve.c --- */

/* Pages of warm memory that are kept. */
uint64_t reserve_pages(void);
bool reserve_is_fixed(void);
void reserve_set(uint64_t pages);
void reserve_set_auto(void);
/* Give the reserve up: flush. A fixed one stays. */
void reserve_drop(void);
/* The host was told about pages; they may be regretted. */
void reserve_note_reported(uint64_t pages);
/* Reported pages were handed out. Returns how many of them were regretted. */
uint64_t reserve_note_cold(uint64_t pages);
/* buddy.reportable fell. */
void reserve_note_low(void);
void reserve_init(void);

#endif
