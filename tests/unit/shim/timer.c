/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: the virtual clock and its timers. */
#include "shim.h"
#include "unit.h"
#include <neap/timer.h>
#include <string.h>

#define TIMERS_MAX 128

uint64_t shim_clock_ns;

static struct timer *timers[TIMERS_MAX];

uint64_t arch_clock_ns(void)
{
    return shim_clock_ns;
}

uint64_t arch_cycles_to_ns(uint64_t cycles)
{
    return cycles;
}

uint64_t arch_wall_clock_ns(void)
{
    return UINT64_C(1700000000) * NS_PER_S + shim_clock_ns;
}

void timer_init(struct timer *timer, void (*fn)(void *), void *arg)
{
    memset(timer, 0, sizeof(*timer));
    timer->fn = fn;
    timer->arg = arg;
}

void timer_set(struct timer *timer, uint64_t deadline_ns)
{
    timer->deadline_ns = deadline_ns;
    if (timer->armed)
        return;
    for (unsigned i = 0; i < TIMERS_MAX; i++) {
        if (!timers[i]) {
            timers[i] = timer;
            timer->armed = true;
            return;
        }
    }
    unit_fail(__FILE__, __LINE__, "too many timers");
}

void timer_cancel(struct timer *timer)
{
    timer->armed = false;
    for (unsigned i = 0; i < TIMERS_MAX; i++) {
        if (timers[i] == timer)
            timers[i] = NULL;
    }
}

unsigned shim_timers_armed(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < TIMERS_MAX; i++)
        count += timers[i] != NULL;
    return count;
}

uint64_t shim_timers_next(void)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i < TIMERS_MAX; i++) {
        if (timers[i])
            next = MIN(next, timers[i]->deadline_ns);
    }
    return next;
}

static struct timer *earliest_due(void)
{
    struct timer *due = NULL;

    for (unsigned i = 0; i < TIMERS_MAX; i++) {
        if (timers[i] && timers[i]->deadline_ns <= shim_clock_ns &&
            (!due || timers[i]->deadline_ns < due->deadline_ns))
            due = timers[i];
    }
    return due;
}

void shim_timers_run(void)
{
    struct timer *due;

    while ((due = earliest_due())) {
        irqflags_t flags;

        timer_cancel(due);
        shim_irq_enter(&flags);
        due->fn(due->arg);
        shim_irq_exit(flags);
    }
}
