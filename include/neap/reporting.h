/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free page reporting: free memory goes back to the host as soon as it is not needed.
 *
 * mm knows no device; a driver registers one that can report. What is reported is decided by
 * demand: a warm reserve follows the largest swing of demand of the recent past, and all free
 * memory beyond it, in blocks of at least the reporting order, is reported at once.
 * docs/reporting.md explains it.
 */
#ifndef NEAP_REPORTING_H
#define NEAP_REPORTING_H

#include <arch/boot.h>
#include <stdbool.h>
#include <stdint.h>

struct reporting_device {
    const char *name;
    unsigned capacity; /* ranges per report, >= 1 */
    /* Smallest range worth reporting, bytes; 0: no wish. */
    uint64_t granularity;
    /*
     * Tell the host that the ranges are free and wait for the acknowledgement. Nobody touches
     * them meanwhile. Returns 0; -EIO, -ETIMEDOUT: not reported, or not known to be: reporting
     * stops until the device registers again. Thread context.
     */
    int (*report)(struct reporting_device *self, const struct phys_range *ranges,
                  unsigned nr_ranges);
};

/* Start reporting through `device`. Returns 0, -EBUSY when one is registered. Thread context.
 */
int reporting_register(struct reporting_device *device);

/* Stop; on return no report is under way. Everything counts as not reported again. Thread
 * context. */
void reporting_unregister(struct reporting_device *device);

struct reporting_stats {
    bool enabled;            /* reporting=on|off */
    bool active;             /* a device is registered and works */
    const char *device;      /* its name, or NULL */
    unsigned order;          /* smallest order that is reported */
    uint64_t reserve;        /* warm reserve now, bytes */
    bool reserve_fixed;      /* set by hand */
    uint64_t unreported;     /* free, not reported, in blocks of the order or more: bytes */
    uint64_t reported_bytes; /* sum over all reports */
    uint64_t reports;        /* requests that the device acknowledged */
    uint64_t errors;         /* requests that failed */
    uint64_t regret_bytes;   /* reported and soon needed again */
};
void reporting_stats_get(struct reporting_stats *stats);

/* Runtime settings. Thread context. Return 0 or -EINVAL. */
int reporting_set_enabled(bool enabled);
int reporting_set_order(unsigned order);
/* Fix the warm reserve to `bytes`; UINT64_MAX: let demand decide (the default). */
int reporting_set_reserve(uint64_t bytes);

/* Report everything that is free, the reserve included, and wait for it. Thread context. */
int reporting_flush(void);

#endif
