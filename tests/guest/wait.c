/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues and mutexes.
 */
#include "guest.h"
#include <neap/cpu.h>
#include <neap/errors.h>
#include <neap/thread.h>
#include <neap/timer.h>

static bool never(void *arg UNUSED)
{
    return false;
}

static bool always(void *arg UNUSED)
{
    return true;
}

static void test_timeout(struct selftest *t)
{
    struct waitqueue queue;
    uint64_t begin = clock_ns();

    waitqueue_init(&queue, "test");
    EXPECT_EQ(t, wait_until(&queue, never, NULL, 5 * NS_PER_MS), -ETIMEDOUT);
    EXPECT(t, clock_ns() - begin >= 5 * NS_PER_MS);
    EXPECT_EQ(t, wait_until(&queue, never, NULL, 0), -ETIMEDOUT);
    EXPECT_EQ(t, wait_until(&queue, always, NULL, 0), 0);
    EXPECT_EQ(t, wait_until(&queue, always, NULL, WAIT_FOREVER), 0);
    EXPECT(t, list_empty(&queue.threads));
}
SELFTEST(wait_times_out, test_timeout);

static void test_sleep(struct selftest *t)
{
    uint64_t begin = clock_ns();

    thread_sleep_ns(3 * NS_PER_MS);
    EXPECT(t, clock_ns() - begin >= 3 * NS_PER_MS);
}
SELFTEST(wait_sleep_lasts_long_enough, test_sleep);

/* ---- no wake-up is lost ---- */

#define TURNS 1000

static struct {
    struct waitqueue queue;
    struct latch done;
    unsigned turn;
} game;

static bool my_turn(void *arg)
{
    return READ_ONCE(game.turn) % 2 == *(unsigned *)arg;
}

static void play(struct selftest *t, unsigned parity)
{
    for (unsigned i = 0; i < TURNS; i++) {
        if (wait_until(&game.queue, my_turn, &parity, PATIENCE_NS) != 0) {
            selftest_fail(t, __FILE__, __LINE__, "a wake-up was lost in turn %u", i);
            return;
        }
        __atomic_fetch_add(&game.turn, 1, __ATOMIC_SEQ_CST);
        wake_all(&game.queue);
    }
}

static void second_player(void *arg)
{
    play(arg, 1);
    latch_arrive(&game.done);
}

static void test_turns(struct selftest *t)
{
    waitqueue_init(&game.queue, "game");
    latch_init(&game.done);
    game.turn = 0;
    if (start_threads(t, 1, second_player, t) == 0)
        return;
    play(t, 0);
    latch_wait(t, &game.done, 1);
    EXPECT_EQ(t, game.turn, 2 * TURNS);
}
SELFTEST(wait_loses_no_wakeup, test_turns);

/*
 * The wake-up comes after the condition was found false and before the thread sleeps: the
 * condition itself sends it.
 */
static bool wakes_too_early(void *arg)
{
    unsigned *looks = arg;

    (*looks)++;
    if (*looks == 2) /* the first look after joining the queue */
        wake_all(&game.queue);
    return *looks > 2;
}

static void test_early_wakeup(struct selftest *t)
{
    uint64_t begin = clock_ns();
    unsigned looks = 0;

    waitqueue_init(&game.queue, "game");
    EXPECT_EQ(t, wait_until(&game.queue, wakes_too_early, &looks, PATIENCE_NS), 0);
    EXPECT_EQ(t, looks, 3);
    EXPECT(t, clock_ns() - begin < PATIENCE_NS); /* not the timeout ended it */
}
SELFTEST(wait_keeps_an_early_wakeup, test_early_wakeup);

/* ---- mutexes ---- */

#define LOCKERS 8
#define ROUNDS  50

static struct {
    struct mutex mutex;
    struct latch done;
    unsigned counter;
    unsigned inside;
    unsigned order[LOCKERS];
    unsigned arrived;
    bool tried;
} m;

static void locker(void *arg)
{
    struct selftest *t = arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned seen;

        mutex_lock(&m.mutex);
        EXPECT(t, mutex_is_mine(&m.mutex));
        EXPECT_EQ(t, __atomic_fetch_add(&m.inside, 1, __ATOMIC_RELAXED), 0);
        seen = READ_ONCE(m.counter);
        if (i % 8 == 0)
            thread_yield();
        WRITE_ONCE(m.counter, seen + 1);
        __atomic_fetch_sub(&m.inside, 1, __ATOMIC_RELAXED);
        mutex_unlock(&m.mutex);
    }
    latch_arrive(&m.done);
}

static void test_mutex(struct selftest *t)
{
    mutex_init(&m.mutex, "test", LOCK_RANK_SHELL);
    latch_init(&m.done);
    m.counter = 0;
    m.inside = 0;
    latch_wait(t, &m.done, start_threads(t, LOCKERS, locker, t));
    EXPECT_EQ(t, m.counter, LOCKERS * ROUNDS);
    EXPECT(t, !mutex_is_mine(&m.mutex));
}
SELFTEST(mutex_excludes, test_mutex);

static void trier(void *arg)
{
    m.tried = mutex_trylock(&m.mutex);
    if (m.tried)
        mutex_unlock(&m.mutex);
    latch_arrive(arg);
}

static void test_trylock(struct selftest *t)
{
    struct latch done;

    mutex_init(&m.mutex, "test", LOCK_RANK_SHELL);
    for (unsigned held = 0; held < 2; held++) {
        latch_init(&done);
        if (held)
            EXPECT(t, mutex_trylock(&m.mutex));
        latch_wait(t, &done, start_threads(t, 1, trier, &done));
        EXPECT_EQ(t, m.tried, !held);
        if (held)
            mutex_unlock(&m.mutex);
    }
}
SELFTEST(mutex_trylock_fails_when_held, test_trylock);

static void queuer(void *arg)
{
    unsigned number = (unsigned)(uintptr_t)arg;

    mutex_lock(&m.mutex);
    m.order[m.arrived++] = number;
    mutex_unlock(&m.mutex);
    latch_arrive(&m.done);
}

static bool waiters_are(void *arg)
{
    irqflags_t flags = spin_lock(&m.mutex.guard);
    unsigned count = 0;
    struct list *pos;

    list_for_each (pos, &m.mutex.waiters)
        count++;
    spin_unlock(&m.mutex.guard, flags);
    return count == *(unsigned *)arg;
}

static void test_order(struct selftest *t)
{
    unsigned started = 0;

    mutex_init(&m.mutex, "test", LOCK_RANK_SHELL);
    latch_init(&m.done);
    m.arrived = 0;
    mutex_lock(&m.mutex);
    for (unsigned i = 0; i < LOCKERS; i++) {
        unsigned waiting = i + 1;

        started += start_threads(t, 1, queuer, (void *)(uintptr_t)i);
        EXPECT(t, eventually(waiters_are, &waiting));
    }
    mutex_unlock(&m.mutex);
    latch_wait(t, &m.done, started);
    for (unsigned i = 0; i < LOCKERS; i++)
        EXPECT_EQ(t, m.order[i], i);
}
SELFTEST(mutex_is_handed_over_in_order, test_order);
