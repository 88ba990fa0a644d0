/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run queues: one per CPU, and the choice of one for a thread that becomes ready.
 */
#include "runqueue.h"
#include <neap/timer.h>

struct runqueue {
    struct spinlock lock;
    struct list ready[THREAD_PRIORITIES];
    /* Written by few, read by all as hints: */
    unsigned waiting[THREAD_PRIORITIES]; /* lengths */
    uint64_t slice_end;                  /* of the running thread, ns */
} __attribute__((aligned(64)));

static struct runqueue runqueues[MAX_CPUS];

void runqueue_init(unsigned cpu)
{
    struct runqueue *rq = &runqueues[cpu];

    spin_init(&rq->lock, "run queue", LOCK_RANK_RUNQUEUE);
    for (unsigned prio = 0; prio < THREAD_PRIORITIES; prio++)
        list_init(&rq->ready[prio]);
}

static struct thread *pop(struct runqueue *rq, enum thread_priority prio)
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

struct thread *runqueue_take(const struct cpu *cpu, enum thread_priority prio)
{
    return pop(&runqueues[cpu->number], prio);
}

struct thread *runqueue_steal(const struct cpu *self, enum thread_priority prio)
{
    unsigned count = cpu_count();

    for (unsigned i = 1; i < count; i++) {
        struct thread *thread = pop(&runqueues[(self->number + i) % count], prio);

        if (thread)
            return thread;
    }
    return NULL;
}

bool runqueue_put(const struct cpu *cpu, struct thread *thread)
{
    struct runqueue *rq = &runqueues[cpu->number];
    enum thread_priority prio = thread->priority;
    irqflags_t flags = spin_lock(&rq->lock);
    bool first;

    thread->cpu = cpu->number;
    list_push_back(&rq->ready[prio], &thread->run_link);
    first = rq->waiting[prio]++ == 0;
    spin_unlock(&rq->lock, flags);
    return first;
}

bool runqueue_waits(const struct cpu *cpu, enum thread_priority prio)
{
    const struct runqueue *rq = &runqueues[cpu->number];

    return READ_ONCE(rq->waiting[THREAD_NORMAL]) != 0 ||
           (prio == THREAD_BACKGROUND && READ_ONCE(rq->waiting[THREAD_BACKGROUND]) != 0);
}

bool runqueue_any_waits(void)
{
    for (unsigned i = 0; i < cpu_count(); i++)
        if (runqueue_waits(cpus[i], THREAD_BACKGROUND))
            return true;
    return false;
}

void runqueue_note_slice(const struct cpu *cpu, uint64_t slice_end)
{
    WRITE_ONCE(runqueues[cpu->number].slice_end, slice_end);
}

/* ---- choosing a CPU ---- */

/* Take an idle CPU for one thread, so that two wake-ups choose two CPUs. */
static bool claim_idle(struct cpu *cpu)
{
    return READ_ONCE(cpu->idle) && __atomic_exchange_n(&cpu->idle, false, __ATOMIC_SEQ_CST);
}

struct cpu *runqueue_claim_idle(void)
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

struct cpu *runqueue_choose(const struct thread *thread, bool *claimed)
{
    struct cpu *best = cpus[thread->cpu], *idle;
    unsigned least;
    uint64_t now;

    *claimed = claim_idle(best);
    if (*claimed)
        return best;
    idle = runqueue_claim_idle();
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
