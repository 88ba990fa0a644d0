/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: birth, sleep, death.
 */
#include "internal.h"
#include <neap/alloc.h>
#include <neap/kmalloc.h>
#include <neap/libc.h>
#include <neap/panic.h>
#include <neap/timer.h>
#include <neap/vmap.h>
#include <neap/work.h>
#include <string.h>

static struct spinlock all_lock = SPINLOCK_INIT("all threads", LOCK_RANK_THREADS);
static struct list all_threads = {&boot_thread.all_link, &boot_thread.all_link};
static struct list dead_threads = LIST_INIT(dead_threads); /* under all_lock */
static uint32_t last_id = 1;                               /* under all_lock */

/* The thread that starts the kernel and then runs the application, on the boot stack. */
struct thread boot_thread = {
    .lock = SPINLOCK_INIT("thread", LOCK_RANK_THREAD),
    .run_link = LIST_INIT(boot_thread.run_link),
    .all_link = {&all_threads, &all_threads},
    .wait_link = LIST_INIT(boot_thread.wait_link),
    .state = THREAD_RUNNING,
    .on_cpu = true,
    .id = 1,
    .name = "main",
};

struct thread *thread_current(void)
{
    irqflags_t flags = arch_irq_save();
    struct thread *current = cpu_self()->current;

    arch_irq_restore(flags);
    return current;
}

/* ---- reaping ---- */

static void thread_free(struct thread *thread)
{
    stack_free(thread->stack);
    kfree(thread);
}

static void reap(struct work *work UNUSED)
{
    for (;;) {
        irqflags_t flags = spin_lock(&all_lock);
        struct list *first = list_first(&dead_threads);

        if (first)
            list_remove(first);
        spin_unlock(&all_lock, flags);
        if (first == NULL)
            return;
        thread_free(list_entry(first, struct thread, all_link));
    }
}

static struct work reap_work = {.link = LIST_INIT(reap_work.link), .fn = reap};

/* ---- birth ---- */

/* The first function of every thread. */
static void thread_main(void *arg UNUSED)
{
    struct thread *self = cpu_self()->current;

    sched_finish_switch();
    arch_irq_enable();
    self->entry(self->entry_arg);
    thread_exit();
}

static void copy_name(char *to, const char *from)
{
    size_t length = MIN(strlen(from), (size_t)THREAD_NAME_MAX - 1);

    memcpy(to, from, length);
    to[length] = '\0';
}

struct thread *thread_new(const char *name, enum thread_priority priority,
                          void (*first)(void *))
{
    struct thread *thread = kcalloc(1, sizeof(*thread), ALLOC_DEFAULT);
    irqflags_t flags;

    if (thread == NULL)
        return NULL;
    thread->stack = stack_alloc();
    if (thread->stack == NULL) {
        kfree(thread);
        return NULL;
    }
    spin_init(&thread->lock, "thread", LOCK_RANK_THREAD);
    list_init(&thread->run_link);
    list_init(&thread->wait_link);
    thread->state = THREAD_READY;
    thread->priority = priority;
    copy_name(thread->name, name);
    arch_context_init(&thread->context, (uintptr_t)thread->stack + THREAD_STACK_SIZE, first,
                      NULL);
    flags = spin_lock(&all_lock);
    thread->id = ++last_id;
    list_push_back(&all_threads, &thread->all_link);
    spin_unlock(&all_lock, flags);
    return thread;
}

struct thread *thread_create(const char *name, enum thread_priority priority,
                             void (*entry)(void *), void *arg)
{
    struct thread *thread;
    irqflags_t flags;

    /* Many short threads may end faster than the work queue frees them. */
    reap(NULL);
    thread = thread_new(name, priority, thread_main);
    if (thread == NULL)
        return NULL;
    thread->entry = entry;
    thread->entry_arg = arg;
    flags = arch_irq_save();
    thread->cpu = cpu_self()->number;
    arch_irq_restore(flags);
    sched_enqueue(thread);
    sched_preempt_point();
    return thread;
}

/* ---- sleep ---- */

void thread_block(const char *wait_name)
{
    irqflags_t irq = arch_irq_save(), flags;
    struct thread *self = cpu_self()->current;
    bool sleeps;

    flags = spin_lock(&self->lock);
    sleeps = !self->wake_pending;
    self->wake_pending = false;
    if (sleeps) {
        self->state = THREAD_SLEEPING;
        self->wait_name = wait_name;
    }
    spin_unlock(&self->lock, flags);
    if (sleeps)
        schedule();
    arch_irq_restore(irq);
}

void thread_wake(struct thread *thread)
{
    irqflags_t flags = spin_lock(&thread->lock);
    bool enqueue = false;

    if (thread->state == THREAD_SLEEPING) {
        thread->state = THREAD_READY;
        /* While it still leaves its CPU, that CPU enqueues it. */
        enqueue = !thread->on_cpu;
    } else {
        thread->wake_pending = true;
    }
    spin_unlock(&thread->lock, flags);
    if (enqueue) {
        sched_enqueue(thread);
        sched_preempt_point();
    }
}

bool thread_may_sleep(void)
{
    irqflags_t flags;
    struct cpu *cpu;
    bool may;

    if (!arch_irqs_enabled())
        return false;
    flags = arch_irq_save();
    cpu = cpu_self();
    may = cpu->preempt_disabled == 0 && cpu->current != cpu->idle_thread;
    arch_irq_restore(flags);
    return may;
}

void preempt_disable(void)
{
    irqflags_t flags = arch_irq_save();

    cpu_self()->preempt_disabled++;
    arch_irq_restore(flags);
}

void preempt_enable(void)
{
    irqflags_t flags = arch_irq_save();
    struct cpu *cpu = cpu_self();

    DEBUG_ASSERT(cpu->preempt_disabled > 0);
    cpu->preempt_disabled--;
    arch_irq_restore(flags);
    if (READ_ONCE(cpu->need_resched))
        sched_preempt_point();
}

/* ---- death ---- */

void thread_bury(struct thread *thread)
{
    irqflags_t flags = spin_lock(&all_lock);

    list_remove(&thread->all_link);
    list_push_back(&dead_threads, &thread->all_link);
    spin_unlock(&all_lock, flags);
    work_queue(&system_work, &reap_work);
}

void thread_exit(void)
{
    struct thread *self = thread_current();
    irqflags_t flags;

    ASSERT(self != &boot_thread && self->nr_mutexes == 0);
    libc_thread_exit(self);
    arch_irq_disable();
    flags = spin_lock(&self->lock);
    self->state = THREAD_DEAD;
    spin_unlock(&self->lock, flags);
    schedule();
    panic("dead thread '%s' runs again", self->name);
}

void thread_for_each(void (*fn)(const struct thread *, void *), void *arg)
{
    irqflags_t flags = spin_lock(&all_lock);
    struct list *pos;

    list_for_each (pos, &all_threads)
        fn(list_entry(pos, struct thread, all_link), arg);
    spin_unlock(&all_lock, flags);
}
