/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's memory for applications.
 */
#include <neap/memory.h>
#include <neap/status.h>

void memory_status(struct memory_status *status)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    *status = (struct memory_status){
        .total = stats.total,
        .free = stats.free,
        .reported = stats.reported,
        .kernel = stats.kernel,
        .movable = stats.movable,
        .elastic = stats.elastic,
        .ballooned = stats.ballooned,
    };
}
