/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: a run queue per CPU, two priorities, idle CPUs take what waits elsewhere.
 *
 * A thread is on a run queue only when its registers are saved: who makes a thread ready
 * while it is still leaving a CPU only marks it, and that CPU enqueues it after the switch. So
 * no thread ever runs twice, and nobody waits for another CPU's switch. No two run queue locks
 * are held at once.
 */
#include "internal.h"
#include <arch/barrier.h>
#include <neap/errors.h>
#include <neap/panic.h>
#include <neap/timer.h>

/* How long a thread keeps a CPU that others wait for. */
#define SLICE_NS (10 * NS_PER_MS)

struct runqueue {
    struct spinlock lock;
    struct list ready[THREAD_PRIORITIES];
    /* Written by few, read by all as hints: */
    unsigned waiting[THREAD_PRIORITIES]; /* lengths */
    uint64_t slice_end;                  /* of the running thread, ns */
} __attribute__((aligned(64)));

static struct runqueue runqueues[MAX_CPUS];

static void runqueue_init(struct runqueue *rq)
{
    spin_init(&rq->lock, "run queue", LOCK_RANK_RUNQUEUE);
    for (unsigned prio = 0; prio < THREAD_PRIORITIES; prio++)
        list_init(&rq->ready[prio]);
}

static struct thread *runqueue_pop(struct runqueue *rq, enum thread_priority prio)
{
    struct thread *thread = NULL;
    struct list *first;
    irqflags_t flags;

    if (READ_ONCE(rq->waiting[prio]) == 0)
        return NULL;
    flags = spin_lock(&rq->lock);
    first = list_first(&rq->ready[prio]);
    if (first) {
        list_remove(first);
        rq->waiting[prio]--;
        thread = list_entry(first, struct thread, run_link);
    }
    spin_unlock(&rq->lock, flags);
    return thread;
}

static struct thread *steal(const struct cpu *self, enum thread_priority prio)
{
    unsigned count = cpu_count();

    for (unsigned i = 1; i < count; i++) {
        struct thread *thread = runqueue_pop(&runqueues[(self->number + i) % count], prio);

        if (thread)
            return thread;
    }
    return NULL;
}

/* Does a thread of this priority or a higher one wait on the queue of the CPU? */
static bool someone_waits(const struct cpu *cpu, enum thread_priority prio)
{
    const struct runqueue *rq = &runqueues[cpu->number];

    return READ_ONCE(rq->waiting[THREAD_NORMAL]) != 0 ||
           (prio == THREAD_BACKGROUND && READ_ONCE(rq->waiting[THREAD_BACKGROUND]) != 0);
}

static bool anything_to_run(void)
{
    for (unsigned i = 0; i < cpu_count(); i++)
        if (someone_waits(cpus[i], THREAD_BACKGROUND))
            return true;
    return false;
}

/* What runs next: `stay` (NULL: the current thread cannot) only if nothing comes before it. */
static struct thread *pick_next(struct cpu *cpu, struct thread *stay)
{
    for (unsigned prio = 0; prio < THREAD_PRIORITIES; prio++) {
        struct thread *next = runqueue_pop(&runqueues[cpu->number], prio);

        if (next)
            return next;
        if (stay && stay->priority == prio)
            return stay;
        next = steal(cpu, prio);
        if (next)
            return next;
    }
    return cpu->idle_thread;
}

/* Take the running thread's state into account: NULL when it gives the CPU up for good. */
static struct thread *leave(struct thread *prev, const struct thread *idle)
{
    irqflags_t flags = spin_lock(&prev->lock);
    bool runnable;

    if (prev->state == THREAD_RUNNING)
        prev->state = THREAD_READY;
    runnable = prev->state == THREAD_READY && prev != idle;
    spin_unlock(&prev->lock, flags);
    return runnable ? prev : NULL;
}

static void enter(struct cpu *cpu, struct thread *next, uint64_t now)
{
    irqflags_t flags = spin_lock(&next->lock);

    next->state = THREAD_RUNNING;
    next->on_cpu = true;
    spin_unlock(&next->lock, flags);
    next->cpu = cpu->number;
    next->slice_end = now + SLICE_NS;
    WRITE_ONCE(runqueues[cpu->number].slice_end, next->slice_end);
    if (next != cpu->idle_thread && someone_waits(cpu, next->priority))
        timer_set_slice(next->slice_end);
    else
        timer_set_slice(UINT64_MAX);
}

void schedule(void)
{
    struct cpu *cpu = cpu_self();
    struct thread *prev = cpu->current, *next;
    uint64_t now;

    DEBUG_ASSERT(!arch_irqs_enabled());
    DEBUG_ASSERT(cpu->nr_locks_held == 0);
    cpu->need_resched = false;
    cpu->idle = false;
    next = pick_next(cpu, leave(prev, cpu->idle_thread));
    now = clock_ns();
    enter(cpu, next, now);
    if (next == prev)
        return;
    prev->run_ns += now - prev->started_ns;
    next->started_ns = now;
    cpu->current = next;
    cpu->running_priority = next == cpu->idle_thread ? THREAD_PRIORITIES : next->priority;
    cpu->switched_from = prev;
    arch_context_switch(&prev->context, &next->context);
    sched_finish_switch();
}

void sched_finish_switch(void)
{
    struct cpu *cpu = cpu_self();
    struct thread *prev = cpu->switched_from;
    enum thread_state state;
    irqflags_t flags;

    flags = spin_lock(&prev->lock);
    prev->on_cpu = false;
    state = prev->state;
    spin_unlock(&prev->lock, flags);
    if (prev == cpu->idle_thread)
        return;
    if (state == THREAD_READY)
        sched_enqueue(prev);
    else if (state == THREAD_DEAD)
        thread_bury(prev);
}

/* ---- choosing a CPU ---- */

/* Take an idle CPU for one thread, so that two wake-ups choose two CPUs. */
static bool claim_idle(struct cpu *cpu)
{
    return READ_ONCE(cpu->idle) && __atomic_exchange_n(&cpu->idle, false, __ATOMIC_SEQ_CST);
}

static struct cpu *claim_any_idle(void)
{
    for (unsigned i = 0; i < cpu_count(); i++)
        if (claim_idle(cpus[i]))
            return cpus[i];
    return NULL;
}

/*
 * How long a thread of this priority would wait on the CPU, as a number to compare: how many
 * come before it, and whether the running one has used up its slice. The latter lets one
 * thread too many wander over all CPUs, so that no CPU's thread runs undisturbed for ever
 * while others share.
 */
static unsigned expected_wait(const struct cpu *cpu, enum thread_priority prio, uint64_t now)
{
    const struct runqueue *rq = &runqueues[cpu->number];
    unsigned before = READ_ONCE(rq->waiting[THREAD_NORMAL]);

    if (prio == THREAD_BACKGROUND)
        before += READ_ONCE(rq->waiting[THREAD_BACKGROUND]);
    if (READ_ONCE(cpu->running_priority) > prio)
        return 2 * before; /* less important work gives way at once */
    return 2 * (before + 1) + (READ_ONCE(rq->slice_end) > now);
}

/* Its last CPU while that is free, else an idle one, else where it waits least. */
static struct cpu *choose_cpu(const struct thread *thread, bool *claimed)
{
    struct cpu *best = cpus[thread->cpu], *idle;
    unsigned least;
    uint64_t now;

    *claimed = claim_idle(best);
    if (*claimed)
        return best;
    idle = claim_any_idle();
    *claimed = idle != NULL;
    if (idle)
        return idle;
    now = clock_ns();
    least = expected_wait(best, thread->priority, now);
    for (unsigned i = 0; i < cpu_count(); i++) {
        unsigned wait = expected_wait(cpus[i], thread->priority, now);

        if (wait < least) {
            least = wait;
            best = cpus[i];
        }
    }
    return best;
}

/* Something was put on this CPU's queue: switch, or start the slice of who runs. */
static void look_at_queue(struct cpu *cpu)
{
    const struct thread *current = cpu->current;

    if (current == cpu->idle_thread ||
        (current->priority == THREAD_BACKGROUND && someone_waits(cpu, THREAD_NORMAL)))
        cpu->need_resched = true;
    else if (someone_waits(cpu, current->priority))
        timer_set_slice(current->slice_end);
}

static void kick(struct cpu *cpu)
{
    if (cpu == cpu_self())
        look_at_queue(cpu);
    else
        arch_ipi_send(cpu, IPI_RESCHEDULE);
}

void sched_enqueue(struct thread *thread)
{
    irqflags_t irq = arch_irq_save(), flags;
    enum thread_priority prio = thread->priority;
    bool claimed, first;
    struct cpu *target = choose_cpu(thread, &claimed);
    struct runqueue *rq = &runqueues[target->number];

    flags = spin_lock(&rq->lock);
    thread->cpu = target->number;
    list_push_back(&rq->ready[prio], &thread->run_link);
    first = rq->waiting[prio]++ == 0;
    spin_unlock(&rq->lock, flags);
    /* `thread` may run, and even end, on another CPU from here on. */

    if (claimed || first)
        kick(target);
    if (!claimed) {
        /* A CPU that goes idle says so before it looks at the queues: no thread is missed. */
        barrier_full();
        target = claim_any_idle();
        if (target)
            kick(target);
    }
    arch_irq_restore(irq);
}

/* ---- upcalls ---- */

void sched_ipi(void)
{
    look_at_queue(cpu_self());
}

void sched_slice_expired(void)
{
    cpu_self()->need_resched = true;
}

void sched_preempt_at_irq_exit(void)
{
    struct cpu *cpu = cpu_self();

    if (cpu->need_resched && cpu->preempt_disabled == 0)
        schedule();
}

void sched_preempt_point(void)
{
    irqflags_t flags;

    if (!arch_irqs_enabled())
        return;
    flags = arch_irq_save();
    sched_preempt_at_irq_exit();
    arch_irq_restore(flags);
}

void thread_yield(void)
{
    irqflags_t flags = arch_irq_save();
    struct cpu *cpu = cpu_self();

    if (cpu->preempt_disabled == 0 && someone_waits(cpu, cpu->current->priority))
        schedule();
    arch_irq_restore(flags);
}

/* ---- idle ---- */

void sched_idle_loop(void)
{
    struct cpu *cpu = cpu_self();

    for (;;) {
        __atomic_store_n(&cpu->idle, true, __ATOMIC_SEQ_CST);
        barrier_full();
        if (!cpu->need_resched && !anything_to_run())
            arch_cpu_idle();
        schedule();
    }
}

static void idle_entry(void *arg UNUSED)
{
    sched_finish_switch();
    sched_idle_loop();
}

int sched_prepare_cpu(struct cpu *cpu)
{
    struct thread *idle = thread_new("idle", THREAD_BACKGROUND, idle_entry);

    if (idle == NULL)
        return -ENOMEM;
    idle->cpu = cpu->number;
    cpu->idle_thread = idle;
    runqueue_init(&runqueues[cpu->number]);
    return 0;
}

void sched_init(void)
{
    if (sched_prepare_cpu(&boot_cpu) != 0)
        panic("no memory for the first idle thread");
    boot_thread.started_ns = clock_ns();
}
