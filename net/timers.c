/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's timers. All are cyclic; each has a deadline here instead of an allocated timer, so
 * starting one cannot fail. The frequent ones run only while there is something for them.
 */
#include "internal.h"
#include <lwip/mld6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>
#include <neap/compiler.h>
#include <neap/panic.h>
#include <neap/timer.h>
#include <neap/wait.h>

#define TIMERS_MAX 16

static uint64_t deadlines[TIMERS_MAX]; /* under net_lock() */

static bool groups_are_quiet(void)
{
    struct netif *netif;
    struct mld_group *group;

    NETIF_FOREACH(netif)
    {
        for (group = netif_mld6_data(netif); group; group = group->next) {
            if (group->timer > 0)
                return false;
        }
    }
    return true;
}

static bool is_idle(int timer)
{
    if (lwip_cyclic_timers[timer].handler == tcp_tmr)
        return !tcp_active_pcbs && !tcp_tw_pcbs;
    return lwip_cyclic_timers[timer].handler == mld6_tmr && groups_are_quiet();
}

static uint64_t interval(int timer)
{
    return lwip_cyclic_timers[timer].interval_ms * NS_PER_MS;
}

void sys_timeouts_init(void)
{
    ASSERT(lwip_num_cyclic_timers <= TIMERS_MAX);
    for (int i = 0; i < lwip_num_cyclic_timers; i++)
        deadlines[i] = clock_ns() + interval(i);
}

/* A guest that slept for long runs each timer once, not once for every interval that passed. */
uint64_t net_timers_run(void)
{
    uint64_t now = clock_ns(), next = WAIT_FOREVER;

    for (int i = 0; i < lwip_num_cyclic_timers; i++) {
        if (is_idle(i)) {
            deadlines[i] = now + interval(i);
            continue;
        }
        if (deadlines[i] <= now) {
            lwip_cyclic_timers[i].handler();
            deadlines[i] += interval(i);
            if (deadlines[i] <= now)
                deadlines[i] = now + interval(i);
        }
        next = MIN(next, deadlines[i]);
    }
    return next;
}

bool net_timers_changed(uint64_t next)
{
    for (int i = 0; i < lwip_num_cyclic_timers; i++) {
        if (deadlines[i] < next && !is_idle(i))
            return true;
    }
    return false;
}
