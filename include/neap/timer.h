/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers and the clock.
 */
#ifndef NEAP_TIMER_H
#define NEAP_TIMER_H

#include <arch/clock.h>
#include <neap/list.h>
#include <stdbool.h>
#include <stdint.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

struct timer {
    struct list link; /* under the timer lock of `cpu` */
    uint64_t deadline_ns;
    unsigned cpu;
    bool armed;
    void (*fn)(void *); /* interrupt context; may arm the timer again */
    void *arg;
};

/* Prepare a timer that calls fn(arg) in interrupt context. */
void timer_init(struct timer *timer, void (*fn)(void *), void *arg);

/* Arm (or move) the timer to arch_clock_ns() time `deadline_ns`. Any context. */
void timer_set(struct timer *timer, uint64_t deadline_ns);

/*
 * Disarm. On return fn is not running on another CPU (unless fn itself calls this) and will not
 * run. Any context that holds no lock which fn takes.
 */
void timer_cancel(struct timer *timer);

/* Monotonic nanoseconds since kernel entry. Any context. */
static inline uint64_t clock_ns(void)
{
    return arch_clock_ns();
}

/* Set up this CPU's timer list. Once per CPU. */
void timer_init_cpu(void);

/*
 * Have sched_slice_expired() called on this CPU at `deadline_ns`; UINT64_MAX: not at all.
 * Interrupts off.
 */
void timer_set_slice(uint64_t deadline_ns);

#endif
