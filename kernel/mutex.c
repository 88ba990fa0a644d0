/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes: sleep while another thread holds one; handed to waiters in their order.
 */
#include "internal.h"
#include <neap/lock.h>
#include <neap/panic.h>

void mutex_init(struct mutex *mutex, const char *name, enum lock_rank rank)
{
    spin_init(&mutex->guard, name, LOCK_RANK_WAITQUEUE);
    list_init(&mutex->waiters);
    mutex->owner = NULL;
    mutex->rank = rank;
    mutex->name = name;
}

/* A try cannot deadlock, so only mutex_lock() checks the order; both are remembered. */
static void check_order(const struct mutex *mutex, const struct thread *self)
{
    for (unsigned i = 0; i < self->nr_mutexes; i++) {
        const struct mutex *held = self->mutexes[i];

        if (held->rank >= mutex->rank)
            panic("lock order: mutex '%s' (rank %u) taken while '%s' (rank %u) is held",
                  mutex->name, mutex->rank, held->name, held->rank);
    }
}

static void note_acquire(const struct mutex *mutex, struct thread *self)
{
    if (!DEBUG_BUILD)
        return;
    ASSERT(self->nr_mutexes < MUTEXES_HELD_MAX);
    self->mutexes[self->nr_mutexes++] = mutex;
}

static void note_release(const struct mutex *mutex, struct thread *self)
{
    unsigned i = self->nr_mutexes;

    if (!DEBUG_BUILD)
        return;
    while (i > 0 && self->mutexes[i - 1] != mutex)
        i--;
    ASSERT(i > 0);
    for (; i < self->nr_mutexes; i++)
        self->mutexes[i - 1] = self->mutexes[i];
    self->nr_mutexes--;
}

/* Under the guard, so that who handed the mutex over has let go of this thread. */
static bool handed_over(struct mutex *mutex, struct thread *self)
{
    irqflags_t flags = spin_lock(&mutex->guard);
    bool mine = mutex->owner == self;

    spin_unlock(&mutex->guard, flags);
    return mine;
}

void mutex_lock(struct mutex *mutex)
{
    struct thread *self = thread_current();
    irqflags_t flags;

    if (DEBUG_BUILD)
        check_order(mutex, self);
    flags = spin_lock(&mutex->guard);
    if (mutex->owner == NULL) {
        mutex->owner = self;
        spin_unlock(&mutex->guard, flags);
    } else {
        if (mutex->owner == self)
            panic("mutex '%s' taken twice by thread '%s'", mutex->name, self->name);
        list_push_back(&mutex->waiters, &self->wait_link);
        spin_unlock(&mutex->guard, flags);
        while (!handed_over(mutex, self))
            thread_block(mutex->name);
    }
    note_acquire(mutex, self);
}

bool mutex_trylock(struct mutex *mutex)
{
    struct thread *self = thread_current();
    irqflags_t flags = spin_lock(&mutex->guard);
    bool taken = mutex->owner == NULL;

    if (taken)
        mutex->owner = self;
    spin_unlock(&mutex->guard, flags);
    if (taken)
        note_acquire(mutex, self);
    return taken;
}

void mutex_unlock(struct mutex *mutex)
{
    struct thread *self = thread_current();
    struct list *first;
    irqflags_t flags;

    ASSERT(mutex->owner == self);
    note_release(mutex, self);
    flags = spin_lock(&mutex->guard);
    first = list_first(&mutex->waiters);
    mutex->owner = first ? list_entry(first, struct thread, wait_link) : NULL;
    if (first) {
        list_remove(first);
        thread_wake(mutex->owner);
    }
    spin_unlock(&mutex->guard, flags);
}

bool mutex_is_mine(const struct mutex *mutex)
{
    return READ_ONCE(mutex->owner) == thread_current();
}
