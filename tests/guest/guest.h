/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the self-tests share: waiting for other threads with a limit.
 */
#ifndef GUEST_H
#define GUEST_H

#include <neap/selftest.h>
#include <neap/wait.h>

/* A test that waits longer has failed: far above what an overloaded host needs. */
#define PATIENCE_NS (60 * UINT64_C(1000000000))

/* Counts arrivals; may live on the stack of the thread that waits for the last one. */
struct latch {
    struct spinlock lock;
    struct waitqueue queue;
    unsigned arrived;
    unsigned wanted;
};

void latch_init(struct latch *latch);
void latch_arrive(struct latch *latch);

/* Wait until `wanted` have arrived. A failed expectation, and false, when they do not. */
bool latch_wait(struct selftest *t, struct latch *latch, unsigned wanted);

/*
 * Start `count` threads of normal priority. Returns how many there are: fewer, and a failed
 * expectation, without memory. The caller waits for those before it returns.
 */
unsigned start_threads(struct selftest *t, unsigned count, void (*fn)(void *), void *arg);

/* Repeat until condition(arg) holds, letting others run. False when it never does. */
bool eventually(bool (*condition)(void *), void *arg);

/* Small fast random numbers for stress, one state per user. */
uint32_t next_random(uint32_t *state);

#endif
