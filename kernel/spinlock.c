/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spinlocks: interrupts off while held, no order among the waiters.
 *
 * The host may take the processor away from any virtual CPU. With a fair lock everybody would
 * then wait for the one CPU whose turn it is, as long as it does not run; here whoever runs may
 * take the lock.
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

static bool take(struct spinlock *lock)
{
    return !__atomic_exchange_n(&lock->held, true, __ATOMIC_ACQUIRE);
}

/* Out of line: a free lock is taken without a stack frame. */
static __attribute__((noinline)) irqflags_t wait_and_take(struct spinlock *lock,
                                                          irqflags_t flags)
{
    do {
        /* Only reading, so that the holder keeps the cache line; it may wait for this CPU to
         * answer a cross call. */
        while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED))
            cpu_relax_polling();
    } while (!take(lock));
    return flags;
}

irqflags_t spin_lock(struct spinlock *lock)
{
    irqflags_t flags = arch_irq_save();

    note_acquire(lock);
    return __builtin_expect(take(lock), 1) ? flags : wait_and_take(lock, flags);
}

void spin_unlock(struct spinlock *lock, irqflags_t flags)
{
    bool resched;

    note_release(lock);
    __atomic_store_n(&lock->held, false, __ATOMIC_RELEASE);
    resched = READ_ONCE(cpu_self()->need_resched);
    arch_irq_restore(flags);
    /* A wake-up under the lock could not switch threads: do it now. */
    if (__builtin_expect(resched, 0))
        sched_preempt_point();
}

bool spin_is_locked(const struct spinlock *lock)
{
    return READ_ONCE(lock->held);
}
