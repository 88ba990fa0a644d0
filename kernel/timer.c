/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: a sorted list per CPU, and one hardware deadline for its head and the time slice.
 *
 * The hardware is programmed for the earliest wish and not again when that wish goes away: an
 * interrupt too many is cheaper than a register access at every switch of threads.
 */
#include "internal.h"
#include <neap/timer.h>

struct timer_base {
    struct spinlock lock;
    struct list timers;    /* by deadline */
    struct timer *running; /* its function runs now, without the lock */
    /* The CPU's own, interrupts off: */
    uint64_t slice_ns;
    uint64_t programmed_ns;
} __attribute__((aligned(64)));

static struct timer_base bases[MAX_CPUS];

void timer_init_cpu(void)
{
    struct timer_base *base = &bases[cpu_self()->number];

    spin_init(&base->lock, "timers", LOCK_RANK_TIMER);
    list_init(&base->timers);
    base->slice_ns = UINT64_MAX;
    base->programmed_ns = UINT64_MAX;
}

void timer_init(struct timer *timer, void (*fn)(void *), void *arg)
{
    *timer = (struct timer){.fn = fn, .arg = arg};
    list_init(&timer->link);
}

static void program(struct timer_base *base, uint64_t deadline_ns)
{
    if (deadline_ns >= base->programmed_ns)
        return;
    base->programmed_ns = deadline_ns;
    arch_timer_set(deadline_ns);
}

void timer_set_slice(uint64_t deadline_ns)
{
    struct timer_base *base = &bases[cpu_self()->number];

    base->slice_ns = deadline_ns;
    program(base, deadline_ns);
}

/* Lock the base that the timer belongs to; it may move until that is locked. */
static struct timer_base *lock_base(const struct timer *timer, irqflags_t *flags)
{
    for (;;) {
        unsigned number = READ_ONCE(timer->cpu);
        struct timer_base *base = &bases[number];

        *flags = spin_lock(&base->lock);
        if (READ_ONCE(timer->cpu) == number)
            return base;
        spin_unlock(&base->lock, *flags);
    }
}

static void disarm(struct timer *timer)
{
    if (timer->armed)
        list_remove(&timer->link);
    timer->armed = false;
}

static void insert(struct timer_base *base, struct timer *timer, uint64_t deadline_ns)
{
    struct list *pos;

    timer->deadline_ns = deadline_ns;
    timer->armed = true;
    /* From the end: new deadlines are mostly the latest. Equal ones keep their order. */
    for (pos = base->timers.prev; pos != &base->timers; pos = pos->prev)
        if (list_entry(pos, struct timer, link)->deadline_ns <= deadline_ns)
            break;
    list_insert_between(&timer->link, pos, pos->next);
}

void timer_set(struct timer *timer, uint64_t deadline_ns)
{
    irqflags_t irq = arch_irq_save(), flags;
    struct timer_base *base, *own = &bases[cpu_self()->number];

    /* Move it to this CPU first: only here can the hardware be programmed. */
    while ((base = lock_base(timer, &flags)) != own) {
        disarm(timer);
        timer->cpu = cpu_self()->number;
        spin_unlock(&base->lock, flags);
    }
    disarm(timer);
    insert(own, timer, deadline_ns);
    program(own, deadline_ns);
    spin_unlock(&own->lock, flags);
    arch_irq_restore(irq);
}

/* Another CPU whose interrupt runs the timer's function now. */
static struct timer_base *runs_elsewhere(const struct timer *timer)
{
    irqflags_t flags = arch_irq_save();
    unsigned self = cpu_self()->number;
    struct timer_base *found = NULL;

    for (unsigned i = 0; i < cpu_count() && found == NULL; i++)
        if (i != self && __atomic_load_n(&bases[i].running, __ATOMIC_ACQUIRE) == timer)
            found = &bases[i];
    arch_irq_restore(flags);
    return found;
}

void timer_cancel(struct timer *timer)
{
    struct timer_base *base, *busy;
    irqflags_t flags;

    /* The function may arm the timer again while it is waited for. */
    do {
        base = lock_base(timer, &flags);
        disarm(timer);
        spin_unlock(&base->lock, flags);
        busy = runs_elsewhere(timer);
        while (busy && __atomic_load_n(&busy->running, __ATOMIC_ACQUIRE) == timer)
            cpu_relax_polling();
    } while (busy);
}

/* Run what is due; returns the next deadline. */
static uint64_t run_expired(struct timer_base *base)
{
    irqflags_t flags = spin_lock(&base->lock);
    struct list *first;
    uint64_t next = UINT64_MAX;

    while ((first = list_first(&base->timers)) != NULL) {
        struct timer *timer = list_entry(first, struct timer, link);
        void (*fn)(void *) = timer->fn;
        void *arg = timer->arg;

        next = timer->deadline_ns;
        if (next > clock_ns())
            break;
        next = UINT64_MAX;
        disarm(timer);
        base->running = timer;
        spin_unlock(&base->lock, flags);
        fn(arg);
        flags = spin_lock(&base->lock);
        /* The timer's memory may be gone: only its address counts. */
        __atomic_store_n(&base->running, NULL, __ATOMIC_RELEASE);
    }
    spin_unlock(&base->lock, flags);
    return next;
}

void timer_interrupt(void)
{
    struct timer_base *base = &bases[cpu_self()->number];
    uint64_t next;

    base->programmed_ns = UINT64_MAX;
    next = run_expired(base);
    if (base->slice_ns <= clock_ns()) {
        base->slice_ns = UINT64_MAX;
        sched_slice_expired();
    }
    program(base, MIN(next, base->slice_ns));
}
