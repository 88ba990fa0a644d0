/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench: switching threads, and objects of a few bytes.
 */
#include <neap/alloc.h>
#include <neap/bench.h>
#include <neap/kmalloc.h>
#include <neap/thread.h>
#include <neap/wait.h>

#define BATCH    16
#define SWITCHES 20000

struct pair {
    struct waitqueue queue;
    unsigned turn; /* counts up; even: the bench's, odd: the partner's */
    bool ended;
};

static bool is_even(void *arg)
{
    return READ_ONCE(((struct pair *)arg)->turn) % 2 == 0;
}

static bool is_odd(void *arg)
{
    return READ_ONCE(((struct pair *)arg)->turn) % 2 == 1;
}

static void pass_turn(struct pair *pair)
{
    __atomic_fetch_add(&pair->turn, 1, __ATOMIC_SEQ_CST);
    wake_all(&pair->queue);
}

static void partner(void *arg)
{
    struct pair *pair = arg;

    for (unsigned i = 0; i < SWITCHES / 2; i++) {
        wait_until(&pair->queue, is_odd, pair, WAIT_FOREVER);
        pass_turn(pair);
    }
    WRITE_ONCE(pair->ended, true);
    wake_all(&pair->queue);
}

static bool has_ended(void *arg)
{
    return READ_ONCE(((struct pair *)arg)->ended);
}

static void context_switch(struct bench_result *result)
{
    /* Never made anew: the partner may still be in wake_all(). */
    static struct pair pair = {.queue = WAITQUEUE_INIT(pair.queue, "bench")};
    uint64_t begin;

    pair.turn = 0;
    pair.ended = false;
    if (thread_create("bench", THREAD_NORMAL, partner, &pair) == NULL) {
        result->skipped = "no memory for a thread";
        return;
    }
    begin = arch_cycles();
    for (unsigned i = 0; i < SWITCHES / 2; i++) {
        pass_turn(&pair);
        wait_until(&pair.queue, is_even, &pair, WAIT_FOREVER);
    }
    result->cycles = arch_cycles() - begin;
    result->ops = SWITCHES;
    wait_until(&pair.queue, has_ended, &pair, WAIT_FOREVER);
}
BENCH(context_switch, "switch", "pass the turn to another thread");

static void objects(struct bench_result *result)
{
    void *held[BATCH];
    uint64_t begin = arch_cycles();

    for (unsigned round = 0; round < 4096; round++) {
        for (unsigned i = 0; i < BATCH; i++)
            held[i] = kmalloc(16u << i % 6, ALLOC_DEFAULT);
        for (unsigned i = 0; i < BATCH; i++) {
            result->ops += held[i] != NULL;
            kfree(held[i]);
        }
    }
    result->cycles = arch_cycles() - begin;
}
BENCH(objects, "kmalloc", "allocate and free 16 to 512 bytes");
