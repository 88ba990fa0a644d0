/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the self-tests share.
 */
#include "guest.h"
#include <neap/cpu.h>
#include <neap/thread.h>
#include <neap/timer.h>

void latch_init(struct latch *latch)
{
    spin_init(&latch->lock, "latch", LOCK_RANK_WORK);
    waitqueue_init(&latch->queue, "latch");
    latch->arrived = 0;
}

/* Everything under the lock that the waiter takes too: after the unlock the latch may be gone.
 */
void latch_arrive(struct latch *latch)
{
    irqflags_t flags = spin_lock(&latch->lock);

    latch->arrived++;
    wake_all(&latch->queue);
    spin_unlock(&latch->lock, flags);
}

static bool all_arrived(void *arg)
{
    struct latch *latch = arg;
    irqflags_t flags = spin_lock(&latch->lock);
    bool all = latch->arrived >= latch->wanted;

    spin_unlock(&latch->lock, flags);
    return all;
}

bool latch_wait(struct selftest *t, struct latch *latch, unsigned wanted)
{
    latch->wanted = wanted;
    if (wait_until(&latch->queue, all_arrived, latch, PATIENCE_NS) == 0)
        return true;
    selftest_fail(t, __FILE__, __LINE__, "only %u of %u threads arrived", latch->arrived,
                  wanted);
    return false;
}

unsigned start_threads(struct selftest *t, unsigned count, void (*fn)(void *), void *arg)
{
    for (unsigned i = 0; i < count; i++) {
        if (thread_create("selftest", THREAD_NORMAL, fn, arg) == NULL) {
            selftest_fail(t, __FILE__, __LINE__, "no memory for a thread");
            return i;
        }
    }
    return count;
}

bool eventually(bool (*condition)(void *), void *arg)
{
    uint64_t deadline = clock_ns() + PATIENCE_NS;

    while (!condition(arg)) {
        if (clock_ns() > deadline)
            return false;
        thread_yield();
        arch_cpu_relax();
    }
    return true;
}

uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}
