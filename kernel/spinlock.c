/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ticket spinlocks: first come, first served, interrupts off while held.
 */
#include "internal.h"
#include <neap/lock.h>
#include <neap/panic.h>

void spin_init(struct spinlock *lock, const char *name, enum lock_rank rank)
{
    *lock = (struct spinlock)SPINLOCK_INIT(name, rank);
}

#ifdef NEAP_DEBUG

static void note_acquire(const struct spinlock *lock)
{
    struct cpu *cpu = cpu_self();

    for (unsigned i = 0; i < cpu->nr_locks_held; i++) {
        const struct spinlock *held = cpu->locks_held[i];

        if (held->rank >= lock->rank)
            panic("lock order: '%s' (rank %u) taken while '%s' (rank %u) is held", lock->name,
                  lock->rank, held->name, held->rank);
    }
    if (cpu->nr_locks_held == LOCKS_HELD_MAX)
        panic("lock order: '%s' is the %uth lock held at once", lock->name, LOCKS_HELD_MAX + 1);
    cpu->locks_held[cpu->nr_locks_held++] = lock;
}

static void note_release(const struct spinlock *lock)
{
    struct cpu *cpu = cpu_self();
    unsigned i = cpu->nr_locks_held;

    while (i > 0 && cpu->locks_held[i - 1] != lock)
        i--;
    if (i == 0)
        panic("lock '%s' released by a CPU that does not hold it", lock->name);
    for (; i < cpu->nr_locks_held; i++)
        cpu->locks_held[i - 1] = cpu->locks_held[i];
    cpu->nr_locks_held--;
}

#else

static void note_acquire(const struct spinlock *lock UNUSED)
{
}

static void note_release(const struct spinlock *lock UNUSED)
{
}

#endif

irqflags_t spin_lock(struct spinlock *lock)
{
    irqflags_t flags = arch_irq_save();
    uint16_t ticket;

    note_acquire(lock);
    ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
    /* The holder may wait for this CPU to answer a cross call. */
    while (__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket)
        cpu_relax_polling();
    return flags;
}

void spin_unlock(struct spinlock *lock, irqflags_t flags)
{
    bool resched;

    note_release(lock);
    __atomic_store_n(&lock->owner, (uint16_t)(lock->owner + 1), __ATOMIC_RELEASE);
    resched = READ_ONCE(cpu_self()->need_resched);
    arch_irq_restore(flags);
    /* A wake-up under the lock could not switch threads: do it now. */
    if (__builtin_expect(resched, 0))
        sched_preempt_point();
}

bool spin_is_locked(const struct spinlock *lock)
{
    return READ_ONCE(lock->next) != READ_ONCE(lock->owner);
}
