/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bus: looked at when the kernel starts, and whenever the channel subsystem reports that
 * something changed. Reports may be lost, so they say that there is something to look at, not
 * what.
 */
#include "internal.h"
#include <neap/bus.h>
#include <neap/sections.h>
#include <neap/work.h>

static struct work look_work;
static bool ready;

static void look(struct work *work)
{
    uint32_t report;

    (void)work;
    while (arch_channel_report(&report))
        ;
    ccw_look();
}

void ccw_report_pending(void)
{
    if (READ_ONCE(ready))
        (void)work_queue(&system_work, &look_work);
}

static void ccw_init(void)
{
    work_init(&look_work, look);
    ccw_look();
    WRITE_ONCE(ready, true);
    (void)work_queue(&system_work, &look_work); /* for reports that came meanwhile */
}

BUS(ccw, ccw_init);
