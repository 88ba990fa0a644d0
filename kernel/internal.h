/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of kernel/ tell each other and nobody else.
 */
#ifndef KERNEL_INTERNAL_H
#define KERNEL_INTERNAL_H

#include <neap/cpu.h>
#include <neap/log.h>
#include <neap/thread.h>

/* ---- threads and scheduler ---- */

extern struct thread boot_thread;

/*
 * Sleep until thread_wake(). Returns at once when a wake-up came since the last sleep, so the
 * caller makes itself known to its waker first and looks at its condition in a loop.
 */
void thread_block(const char *wait_name);

/* End the sleep of `thread`, or its next one. Any context; the thread must not end meanwhile.
 */
void thread_wake(struct thread *thread);

/* Make a thread that will begin in first(NULL), and do not start it; NULL: no memory. */
struct thread *thread_new(const char *name, enum thread_priority priority,
                          void (*first)(void *));

/* A dead thread has left its stack: have it freed. Interrupts off. */
void thread_bury(struct thread *thread);

/* Put a ready thread on a run queue. Any context. */
void sched_enqueue(struct thread *thread);

/* Give the CPU to the next thread; the caller has set its own state. Interrupts off. */
void schedule(void);

/* The second half of a switch, on the new thread's stack. Interrupts off. */
void sched_finish_switch(void);

/* What an idle CPU does. Interrupts off. */
void sched_idle_loop(void) NORETURN;

/* Upcall of the timer: the running thread has used up its slice. Interrupt context. */
void sched_slice_expired(void);

/* Switch if another thread is due and the caller may be preempted. Any context. */
void sched_preempt_point(void);

/* Make the idle thread of a CPU that is not running yet. Returns 0 or -ENOMEM. */
int sched_prepare_cpu(struct cpu *cpu);

/* ---- other CPUs ---- */

/* One turn of a loop that waits for another CPU with interrupts off: answers cross calls. */
static inline void cpu_relax_polling(void)
{
    arch_cpu_relax();
    if (__builtin_expect(READ_ONCE(cpu_self()->callers) != 0, 0))
        smp_call_ipi();
}

/* ---- everything else ---- */

/* Give the stack protector its value for this boot. First thing of all. */
void stack_protector_init(void);

/* Fold the jitter of the clock into the words. Takes some 100 microseconds. Any context. */
#define JITTER_WORDS 4
void jitter_collect(uint64_t folded[JITTER_WORDS]);

/* console_write() on behalf of `who`: NULL stands for the log, which ends others' lines. */
void console_write_as(const struct thread *who, const char *text, size_t length);

/* The pattern of `test=`, NULL without it. */
const char *selftest_pattern(void);

#endif
