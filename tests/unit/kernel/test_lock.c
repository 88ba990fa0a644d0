/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checks of the lock order, which end a running kernel, and what a spinning CPU does.
 */
/* The shim has locks of its own; here the kernel's are tested. */
#define spin_init      tested_spin_init
#define spin_lock      tested_spin_lock
#define spin_unlock    tested_spin_unlock
#define spin_is_locked tested_spin_is_locked
#define mutex_init     tested_mutex_init
#define mutex_lock     tested_mutex_lock
#define mutex_trylock  tested_mutex_trylock
#define mutex_unlock   tested_mutex_unlock
#define mutex_is_mine  tested_mutex_is_mine
#define note_acquire   spin_note_acquire
#define note_release   spin_note_release
#include "kernel/spinlock.c"
#undef note_acquire
#undef note_release
#include "kernel/mutex.c"
#include "shim.h"
#include "unit.h"

/* ---- what the locks call ---- */

static unsigned preempted, calls_answered;
static struct spinlock outer = SPINLOCK_INIT("outer", LOCK_RANK_SMP);
static struct spinlock inner = SPINLOCK_INIT("inner", LOCK_RANK_LOG);
static struct mutex driver, memory;

void sched_preempt_point(void)
{
    preempted++;
}

/* The other CPU gives the lock back only after this one has answered its call. */
void smp_call_ipi(void)
{
    cpu_self()->callers = 0;
    calls_answered++;
    outer.held = false;
}

void thread_block(const char *wait_name)
{
    unit_fail(__FILE__, __LINE__, "sleeps for %s", wait_name);
}

void thread_wake(struct thread *thread)
{
    unit_fail(__FILE__, __LINE__, "wakes %s", thread->name);
}

static void set_up(void)
{
    shim_boot(64 * MIB);
    mutex_init(&driver, "driver", LOCK_RANK_DRIVER);
    mutex_init(&memory, "memory", LOCK_RANK_MM);
}

/* ---- tests ---- */

TEST(spinlock_nests_in_rising_rank)
{
    irqflags_t flags, flags2;

    set_up();
    flags = spin_lock(&outer);
    CHECK(spin_is_locked(&outer));
    CHECK(!arch_irqs_enabled());
    flags2 = spin_lock(&inner);
    spin_unlock(&inner, flags2);
    CHECK(!arch_irqs_enabled());
    spin_unlock(&outer, flags);
    CHECK(arch_irqs_enabled());
    CHECK(!spin_is_locked(&outer));
    CHECK_EQ(cpu_self()->nr_locks_held, 0);
}

TEST(spinlock_order_is_checked)
{
    set_up();
    spin_lock(&inner);
    EXPECT_PANIC("lock order: 'outer' (rank", spin_lock(&outer));
}

TEST(spinlock_same_rank_is_refused)
{
    struct spinlock twin = SPINLOCK_INIT("twin", LOCK_RANK_SMP);

    set_up();
    spin_lock(&outer);
    EXPECT_PANIC("lock order: 'twin'", spin_lock(&twin));
}

TEST(spinlock_foreign_release_is_found)
{
    set_up();
    EXPECT_PANIC("released by a CPU that does not hold it", spin_unlock(&outer, 0));
}

TEST(spinlock_depth_is_checked)
{
    static struct spinlock locks[LOCKS_HELD_MAX + 1];

    set_up();
    for (unsigned i = 0; i <= LOCKS_HELD_MAX; i++)
        spin_init(&locks[i], "deep", (enum lock_rank)(LOCK_RANK_SMP + i));
    for (unsigned i = 0; i < LOCKS_HELD_MAX; i++)
        spin_lock(&locks[i]);
    EXPECT_PANIC("lock held at once", spin_lock(&locks[LOCKS_HELD_MAX]));
}

TEST(spinlock_answers_calls_while_it_waits)
{
    irqflags_t flags;

    set_up();
    outer.held = true; /* held by another CPU */
    cpu_self()->callers = 1 << 1;
    flags = spin_lock(&outer);
    CHECK_EQ(calls_answered, 1);
    spin_unlock(&outer, flags);
}

TEST(spinlock_release_lets_a_due_thread_run)
{
    irqflags_t flags;

    set_up();
    flags = spin_lock(&outer);
    spin_unlock(&outer, flags);
    CHECK_EQ(preempted, 0);
    flags = spin_lock(&outer);
    cpu_self()->need_resched = true;
    spin_unlock(&outer, flags);
    CHECK_EQ(preempted, 1);
}

TEST(mutex_order_is_checked)
{
    set_up();
    mutex_lock(&driver);
    mutex_lock(&memory);
    CHECK(mutex_is_mine(&memory));
    mutex_unlock(&memory);
    mutex_unlock(&driver);
    CHECK(!mutex_is_mine(&memory));
    mutex_lock(&memory);
    EXPECT_PANIC("lock order: mutex 'driver' (rank", mutex_lock(&driver));
}

TEST(mutex_try_ignores_the_order)
{
    set_up();
    mutex_lock(&memory);
    CHECK(mutex_trylock(&driver));
    mutex_unlock(&memory); /* not the last one taken */
    mutex_unlock(&driver);
    CHECK_EQ(thread_current()->nr_mutexes, 0);
}

TEST(mutex_foreign_release_is_found)
{
    set_up();
    EXPECT_PANIC("assertion failed: mutex->owner == self", mutex_unlock(&driver));
}
