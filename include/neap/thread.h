/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: preemptive, on every CPU, two priorities.
 */
#ifndef NEAP_THREAD_H
#define NEAP_THREAD_H

#include <arch/thread.h>
#include <neap/list.h>
#include <neap/lock.h>
#include <stdbool.h>
#include <stdint.h>

enum thread_priority {
    THREAD_NORMAL,
    THREAD_BACKGROUND, /* runs only when no normal thread wants a CPU */
    THREAD_PRIORITIES,
};

enum thread_state {
    THREAD_READY,
    THREAD_RUNNING,
    THREAD_SLEEPING,
    THREAD_DEAD,
};

#define THREAD_NAME_MAX 16

#define MUTEXES_HELD_MAX 8

struct thread {
    struct arch_context context;
    struct spinlock lock;  /* state, on_cpu, wake_pending */
    struct list run_link;  /* run queue; under the run queue's lock */
    struct list all_link;  /* list of all threads; under its lock */
    struct list wait_link; /* wait queue or mutex; under that one's lock */
    enum thread_state state;
    enum thread_priority priority;
    bool on_cpu;           /* its registers are not saved yet */
    bool wake_pending;     /* woken while it did not sleep: its next sleep returns at once */
    unsigned cpu;          /* where it runs or ran last */
    uint64_t slice_end;    /* ns */
    uint64_t run_ns;       /* time it has run */
    uint64_t started_ns;   /* when it was last switched to */
    void *stack;           /* lowest usable address; NULL: the boot stack */
    void (*entry)(void *); /* what it was created for */
    void *entry_arg;
    const char *wait_name; /* what it waits for; shown by `threads` */
    void *libc;            /* struct libc_thread, owned by libc/ */
    unsigned nr_mutexes;   /* debug builds: the mutexes held, innermost last */
    const struct mutex *mutexes[MUTEXES_HELD_MAX];
    uint32_t id;
    char name[THREAD_NAME_MAX];
};

/*
 * Create a thread that runs entry(arg) and start it. It ends when entry returns. Returns NULL
 * when memory is short. Thread context.
 */
struct thread *thread_create(const char *name, enum thread_priority priority,
                             void (*entry)(void *), void *arg);

/* The calling thread. */
struct thread *thread_current(void);

/* End the calling thread; its stack is freed later by another. */
void thread_exit(void) __attribute__((noreturn));

/* Let other ready threads of the same or a higher priority run. Thread context. */
void thread_yield(void);

/* Sleep at least `ns` nanoseconds. Thread context, no spinlock held. */
void thread_sleep_ns(uint64_t ns);

/* May the caller sleep: a thread with interrupts on, no spinlock held, preemption on? */
bool thread_may_sleep(void);

/* Keep the calling thread on its CPU and running; nests. Short sections only. */
void preempt_disable(void);
void preempt_enable(void);

/*
 * Call fn for every thread under the list's lock (fn must not sleep). For `threads`.
 */
void thread_for_each(void (*fn)(const struct thread *, void *), void *arg);

/* Set up scheduling on the boot CPU: the caller becomes the first thread. Once. */
void sched_init(void);

/* Upcall of IPI_RESCHEDULE. Interrupt context. */
void sched_ipi(void);

/*
 * Upcall of every interrupt's end, after the controller was told: switch if another thread is
 * due. Interrupts off; returns when the interrupted thread runs again.
 */
void sched_preempt_at_irq_exit(void);

#endif
