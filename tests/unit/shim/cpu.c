/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: simulated CPUs, spinlocks with rank checks, mutexes, work queues. */
#include "shim.h"
#include "unit.h"
#include <arch/barrier.h>
#include <errno.h>
#include <neap/lock.h>
#include <neap/panic.h>
#include <neap/wait.h>
#include <neap/work.h>
#include <string.h>

struct cpu *cpus[MAX_CPUS];
struct cpu *shim_current_cpu;
struct workqueue system_work;

struct cpu boot_cpu;

static struct cpu other_cpus[MAX_CPUS - 1];
static unsigned nr_cpus = 1;
uint64_t shim_cross_calls;
void (*shim_at_barrier)(char kind);
static struct waitqueue mutex_waiters = WAITQUEUE_INIT(mutex_waiters, "mutex");

unsigned cpu_count(void)
{
    return nr_cpus;
}

unsigned arch_cpu_count(void)
{
    return nr_cpus;
}

void shim_set_cpus(unsigned count)
{
    nr_cpus = count;
    for (unsigned i = 0; i < count; i++) {
        cpus[i] = i == 0 ? &boot_cpu : &other_cpus[i - 1];
        cpus[i]->number = i;
        cpus[i]->online = true;
    }
}

void shim_run_on(unsigned number)
{
    struct thread *current = shim_current_cpu->current;

    shim_current_cpu = cpus[number];
    shim_current_cpu->current = current;
}

void smp_call_others(void (*fn)(void *), void *arg)
{
    struct cpu *self = shim_current_cpu;
    irqflags_t flags;

    if (nr_cpus == 1)
        return;
    shim_cross_calls++;
    if (shim_in_interrupt())
        panic("cross call from an interrupt");
    shim_others_run();
    flags = arch_irq_save();
    for (unsigned i = 0; i < nr_cpus; i++) {
        if (cpus[i] != self) {
            shim_current_cpu = cpus[i];
            fn(arg);
        }
    }
    shim_current_cpu = self;
    arch_irq_restore(flags);
}

/* Cross calls run at once: none is ever pending. A test of the kernel has one of its own. */
__attribute__((weak)) void smp_call_ipi(void)
{
}

void preempt_disable(void)
{
    cpu_self()->preempt_disabled++;
}

void preempt_enable(void)
{
    ASSERT(cpu_self()->preempt_disabled > 0);
    cpu_self()->preempt_disabled--;
}

void spin_init(struct spinlock *lock, const char *name, enum lock_rank rank)
{
    memset(lock, 0, sizeof(*lock));
    lock->name = name;
    lock->rank = (uint8_t)rank;
}

irqflags_t spin_lock(struct spinlock *lock)
{
    irqflags_t flags = arch_irq_save();
    struct cpu *cpu = cpu_self();

    if (lock->held)
        panic("deadlock: lock %s is held", lock->name);
    if (!lock->name)
        panic("lock without a name: not initialised");
    if (cpu->nr_locks_held && cpu->locks_held[cpu->nr_locks_held - 1]->rank >= lock->rank)
        panic("lock order: %s under %s", lock->name,
              cpu->locks_held[cpu->nr_locks_held - 1]->name);
    ASSERT(cpu->nr_locks_held < LOCKS_HELD_MAX);
    cpu->locks_held[cpu->nr_locks_held++] = lock;
    lock->held = true;
    return flags;
}

void spin_unlock(struct spinlock *lock, irqflags_t flags)
{
    struct cpu *cpu = cpu_self();
    unsigned i = cpu->nr_locks_held;

    if (!lock->held)
        panic("unlock of free lock %s", lock->name);
    while (i > 0 && cpu->locks_held[i - 1] != lock)
        i--;
    if (i == 0)
        panic("lock %s is not held by this CPU", lock->name);
    for (; i < cpu->nr_locks_held; i++)
        cpu->locks_held[i - 1] = cpu->locks_held[i];
    cpu->nr_locks_held--;
    lock->held = false;
    arch_irq_restore(flags);
    shim_preempt_point();
}

bool spin_is_locked(const struct spinlock *lock)
{
    return lock->held;
}

void shim_sched_reset_after_panic(void)
{
    for (unsigned i = 0; i < nr_cpus; i++) {
        cpus[i]->nr_locks_held = 0;
        cpus[i]->preempt_disabled = 0;
    }
    shim_irqs_on = true;
}

/* --- mutexes --- */

void mutex_init(struct mutex *mutex, const char *name, enum lock_rank rank)
{
    memset(mutex, 0, sizeof(*mutex));
    mutex->name = name;
    mutex->rank = (uint8_t)rank;
}

static bool mutex_free(void *arg)
{
    return ((struct mutex *)arg)->owner == NULL;
}

/* A try cannot deadlock, so only mutex_lock() checks the order. */
static void mutex_take(struct mutex *mutex, bool check)
{
    struct thread *self = thread_current();

    if (check && self->nr_mutexes && self->mutexes[self->nr_mutexes - 1]->rank >= mutex->rank)
        panic("mutex order: %s under %s", mutex->name,
              self->mutexes[self->nr_mutexes - 1]->name);
    ASSERT(self->nr_mutexes < MUTEXES_HELD_MAX);
    self->mutexes[self->nr_mutexes++] = mutex;
    mutex->owner = self;
}

void mutex_lock(struct mutex *mutex)
{
    if (!thread_may_sleep())
        panic("mutex %s in a context that may not sleep", mutex->name);
    if (mutex_is_mine(mutex))
        panic("mutex %s taken twice", mutex->name);
    (void)wait_until(&mutex_waiters, mutex_free, mutex, WAIT_FOREVER);
    mutex_take(mutex, true);
}

bool mutex_trylock(struct mutex *mutex)
{
    if (mutex->owner)
        return false;
    mutex_take(mutex, false);
    return true;
}

void mutex_unlock(struct mutex *mutex)
{
    ASSERT(mutex_is_mine(mutex));
    mutex->owner->nr_mutexes--;
    mutex->owner = NULL;
    wake_all(&mutex_waiters);
    shim_preempt_point();
}

bool mutex_is_mine(const struct mutex *mutex)
{
    return mutex->owner == thread_current();
}

/* --- work queues --- */

void work_init(struct work *work, void (*fn)(struct work *))
{
    list_init(&work->link);
    work->queued = false;
    work->fn = fn;
}

static bool work_pending(void *arg)
{
    return !list_empty(&((struct workqueue *)arg)->pending);
}

static void workqueue_main(void *arg)
{
    struct workqueue *queue = arg;

    for (;;) {
        (void)wait_until(&queue->idle, work_pending, queue, WAIT_FOREVER);
        queue->running = list_entry(list_first(&queue->pending), struct work, link);
        list_remove(&queue->running->link);
        queue->running->queued = false;
        queue->running->fn(queue->running);
        queue->running = NULL;
        wake_all(&queue->idle);
    }
}

int workqueue_init(struct workqueue *queue, const char *name)
{
    memset(queue, 0, sizeof(*queue));
    spin_init(&queue->lock, name, LOCK_RANK_WORK);
    list_init(&queue->pending);
    waitqueue_init(&queue->idle, name);
    queue->thread = thread_create(name, THREAD_NORMAL, workqueue_main, queue);
    return queue->thread ? 0 : -ENOMEM;
}

bool work_queue(struct workqueue *queue, struct work *work)
{
    if (work->queued)
        return false;
    work->queued = true;
    list_push_back(&queue->pending, &work->link);
    wake_all(&queue->idle);
    return true;
}

struct work_wait {
    struct workqueue *queue;
    struct work *work;
};

static bool work_done(void *arg)
{
    struct work_wait *wait = arg;

    return !wait->work->queued && wait->queue->running != wait->work;
}

void work_flush(struct workqueue *queue, struct work *work)
{
    struct work_wait wait = {queue, work};

    (void)wait_until(&queue->idle, work_done, &wait, WAIT_FOREVER);
}

void shim_init(void)
{
    if (!cpus[0])
        shim_set_cpus(1);
    shim_current_cpu = cpus[0];
    shim_sched_init();
    shim_memory_init();
    workqueue_init(&system_work, "system_work");
    shim_settle();
}
