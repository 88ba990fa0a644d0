/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: a run queue per CPU, two priorities, idle CPUs take what waits elsewhere.
 *
 * A thread is on a run queue only when its registers are saved: who makes a thread ready
 * while it is still leaving a CPU only marks it, and that CPU enqueues it after the switch. So
 * no thread ever runs twice, and nobody waits for another CPU's switch. No two run queue locks
 * are held at once.
 */
#include "runqueue.h"
#include <arch/barrier.h>
#include <neap/errors.h>
#include <neap/panic.h>
#include <neap/timer.h>

/* How long a thread keeps a CPU that others wait for. */
#define SLICE_NS (10 * NS_PER_MS)

/* What runs next: `stay` (NULL: the current thread cannot) only if nothing comes before it. */
static struct thread *pick_next(struct cpu *cpu, struct thread *stay)
{
    for (unsigned prio = 0; prio < THREAD_PRIORITIES; prio++) {
        struct thread *next = runqueue_take(cpu, prio);

        if (next)
            return next;
        if (stay && stay->priority == prio)
            return stay;
        next = runqueue_steal(cpu, prio);
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
    runqueue_note_slice(cpu, next->slice_end);
    if (next != cpu->idle_thread && runqueue_waits(cpu, next->priority))
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

/* ---- making threads ready ---- */

/* Something was put on this CPU's queue: switch, or start the slice of who runs. */
static void look_at_queue(struct cpu *cpu)
{
    const struct thread *current = cpu->current;

    if (current == cpu->idle_thread ||
        (current->priority == THREAD_BACKGROUND && runqueue_waits(cpu, THREAD_NORMAL)))
        cpu->need_resched = true;
    else if (runqueue_waits(cpu, current->priority))
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
    irqflags_t irq = arch_irq_save();
    bool claimed, first;
    struct cpu *target = runqueue_choose(thread, &claimed);

    first = runqueue_put(target, thread);
    /* `thread` may run, and even end, on another CPU from here on. */

    if (claimed || first)
        kick(target);
    if (!claimed) {
        /* A CPU that goes idle says so before it looks at the queues: no thread is missed. */
        barrier_full();
        target = runqueue_claim_idle();
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

    if (cpu->preempt_disabled == 0 && runqueue_waits(cpu, cpu->current->priority))
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
        if (!cpu->need_resched && !runqueue_any_waits())
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
    runqueue_init(cpu->number);
    return 0;
}

void sched_init(void)
{
    if (sched_prepare_cpu(&boot_cpu) != 0)
        panic("no memory for the first idle thread");
    boot_thread.started_ns = clock_ns();
}
