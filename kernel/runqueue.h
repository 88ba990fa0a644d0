/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run queues, for the scheduler alone. Each call locks one queue at most. Any context.
 */
#ifndef KERNEL_RUNQUEUE_H
#define KERNEL_RUNQUEUE_H

#include "internal.h"

void runqueue_init(unsigned cpu);

/* The longest waiting thread of this priority on the CPU's own queue, or NULL. */
struct thread *runqueue_take(const struct cpu *cpu, enum thread_priority prio);

/* The same from any other CPU's queue. */
struct thread *runqueue_steal(const struct cpu *self, enum thread_priority prio);

/* Queue a ready thread; returns whether it is the first one of its priority there. */
bool runqueue_put(const struct cpu *cpu, struct thread *thread);

/* Does a thread of this priority or a higher one wait on the queue of the CPU? */
bool runqueue_waits(const struct cpu *cpu, enum thread_priority prio);

/* Does any thread wait on any queue? */
bool runqueue_any_waits(void);

/* Note when the running thread of the CPU will have used up its slice, ns. */
void runqueue_note_slice(const struct cpu *cpu, uint64_t slice_end);

/* Take an idle CPU, which then counts as busy: the caller kicks it. NULL: none is idle. */
struct cpu *runqueue_claim_idle(void);

/*
 * Choose a CPU for a ready thread: its last one while that is idle, else an idle one, else
 * where it waits least. *claimed: the CPU was idle and is now claimed.
 */
struct cpu *runqueue_choose(const struct thread *thread, bool *claimed);

#endif
