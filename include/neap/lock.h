/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks: spinlocks, and mutexes that sleep.
 *
 * Every lock has a rank. Locks are taken in rising rank; a debug build checks it at every
 * acquisition and panics with both names. The order of the whole kernel is this enum.
 */
#ifndef NEAP_LOCK_H
#define NEAP_LOCK_H

#include <arch/irq.h>
#include <neap/list.h>
#include <stdbool.h>
#include <stdint.h>

enum lock_rank {
    /* mutexes, outermost first */
    LOCK_RANK_SHELL,
    LOCK_RANK_LIBC,
    LOCK_RANK_NET,     /* everything of the network stack */
    LOCK_RANK_DEVICE,  /* one device's state machine: probe, configuration */
    LOCK_RANK_DRIVER,  /* a driver's own state */
    LOCK_RANK_MM,      /* adding and removing memory, contiguous ranges */
    LOCK_RANK_LENDER,  /* asking those who hold movable memory without contents */
    LOCK_RANK_CHANNEL, /* a command on a device behind a channel, or made of software */
    /* spinlocks */
    LOCK_RANK_INPUT, /* what the console's interrupt reads into */
    LOCK_RANK_SMP,
    LOCK_RANK_VIRTQUEUE,
    LOCK_RANK_SPACE, /* addresses and promises of the application */
    LOCK_RANK_PGTABLE,
    LOCK_RANK_KMALLOC,
    LOCK_RANK_BLOCKS, /* the table of memory blocks and raw memory */
    LOCK_RANK_BUDDY,
    LOCK_RANK_REPORTING,
    LOCK_RANK_PIN, /* records of pins */
    LOCK_RANK_WORK,
    LOCK_RANK_FILE,    /* open files: the table, who watches one file */
    LOCK_RANK_EPOLL,   /* a set of watched files; it is a file itself */
    LOCK_RANK_THREADS, /* the list of all threads */
    LOCK_RANK_WAITQUEUE,
    LOCK_RANK_TIMER,
    LOCK_RANK_THREAD, /* one thread's state */
    LOCK_RANK_RUNQUEUE,
    LOCK_RANK_RANDOM, /* the pool of random numbers */
    LOCK_RANK_TRACE,
    LOCK_RANK_LOG,
    LOCK_RANK_CONSOLE,
};

struct spinlock {
    bool held;
    uint8_t rank;
    const char *name;
};

#define SPINLOCK_INIT(lock_name, lock_rank)      \
    {                                            \
        .rank = (lock_rank), .name = (lock_name) \
    }

void spin_init(struct spinlock *lock, const char *name, enum lock_rank rank);

/*
 * Take `lock` with interrupts off; returns the interrupt state for spin_unlock(). Any context.
 * Waiters are in no order. Debug builds panic on a rank that does not rise.
 */
irqflags_t spin_lock(struct spinlock *lock);

/* Release `lock` and restore the interrupt state that spin_lock() returned. */
void spin_unlock(struct spinlock *lock, irqflags_t flags);

/* Is the lock held by anyone? For assertions. */
bool spin_is_locked(const struct spinlock *lock);

struct thread;

struct mutex {
    struct spinlock guard;
    struct thread *owner; /* under guard; NULL: free */
    struct list waiters;  /* under guard */
    uint8_t rank;
    const char *name;
};

#define MUTEX_INIT(lock, lock_name, lock_rank)                                         \
    {                                                                                  \
        .guard = SPINLOCK_INIT(lock_name, LOCK_RANK_WAITQUEUE),                        \
        .waiters = LIST_INIT((lock).waiters), .rank = (lock_rank), .name = (lock_name) \
    }

void mutex_init(struct mutex *mutex, const char *name, enum lock_rank rank);

/* Take the mutex, sleeping while another thread has it. Thread context, no spinlock held. */
void mutex_lock(struct mutex *mutex);

/* Take it if it is free. Thread context. */
bool mutex_trylock(struct mutex *mutex);

/* Release it and hand it to the longest waiter. By the owner only. */
void mutex_unlock(struct mutex *mutex);

/* Does the calling thread own it? For assertions and recursion guards. */
bool mutex_is_mine(const struct mutex *mutex);

#endif
