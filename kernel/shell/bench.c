/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench: what the kernel's basic operations cost.
 */
#include "commands.h"
#include <neap/alloc.h>
#include <neap/cpu.h>
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/log.h>
#include <neap/memory.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <neap/wait.h>
#include <string.h>

#define BATCH         16
#define ORDER0_ROUNDS 4096
#define ORDER9_ROUNDS 1024
#define CHURN_ROUNDS  4

struct result {
    uint64_t ops;
    uint64_t cycles;
    const char *skipped; /* why there is no result */
};

struct bench {
    const char *name;
    const char *what;
    void (*run)(struct result *result, uint64_t bytes);
};

static uint64_t churn_rounds;

/* Allocate and free in batches, so that per-CPU lists are filled and emptied as well. */
static void pages_of_order(struct result *result, unsigned order, uint64_t rounds)
{
    struct page *pages[BATCH];
    uint64_t begin = arch_cycles();

    for (uint64_t round = 0; round < rounds; round++) {
        unsigned taken = 0;

        while (taken < BATCH &&
               (pages[taken] = alloc_pages(order, PAGE_MOVABLE, ALLOC_DEFAULT)) != NULL)
            taken++;
        for (unsigned i = 0; i < taken; i++)
            free_pages(pages[i], order);
        result->ops += taken;
        if (taken < BATCH)
            break;
    }
    result->cycles = arch_cycles() - begin;
    if (result->ops == 0)
        result->skipped = "no free block is large enough";
}

static void order0(struct result *result, uint64_t bytes UNUSED)
{
    pages_of_order(result, 0, ORDER0_ROUNDS);
}

static void order9(struct result *result, uint64_t bytes UNUSED)
{
    pages_of_order(result, 9, ORDER9_ROUNDS);
}

/* ---- the same on every CPU at once ---- */

struct crowd {
    struct waitqueue queue;
    unsigned order;
    uint64_t rounds;
    unsigned running;
    uint64_t ops;
};

static void crowd_member(void *arg)
{
    struct crowd *crowd = arg;
    struct result own = {0};

    pages_of_order(&own, crowd->order, crowd->rounds);
    __atomic_fetch_add(&crowd->ops, own.ops, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&crowd->running, 1, __ATOMIC_RELEASE);
    wake_all(&crowd->queue);
}

static bool crowd_is_gone(void *arg)
{
    return __atomic_load_n(&((struct crowd *)arg)->running, __ATOMIC_ACQUIRE) == 0;
}

/* Cycles until the last one is ready, divided by the operations of all. */
static void on_every_cpu(struct result *result, unsigned order, uint64_t rounds)
{
    /* Never made anew: the last member may still be in wake_all(). */
    static struct crowd crowd = {.queue = WAITQUEUE_INIT(crowd.queue, "bench")};
    uint64_t begin = arch_cycles();

    crowd.order = order;
    crowd.rounds = rounds;
    crowd.ops = 0;
    crowd.running = cpu_count();
    for (unsigned i = 0; i < cpu_count(); i++) {
        if (thread_create("bench", THREAD_NORMAL, crowd_member, &crowd) == NULL) {
            result->skipped = "no memory for a thread";
            __atomic_fetch_sub(&crowd.running, 1, __ATOMIC_RELEASE);
        }
    }
    wait_until(&crowd.queue, crowd_is_gone, &crowd, WAIT_FOREVER);
    result->cycles = arch_cycles() - begin;
    result->ops = crowd.ops;
}

static void order0_all(struct result *result, uint64_t bytes UNUSED)
{
    on_every_cpu(result, 0, ORDER0_ROUNDS);
}

static void order9_all(struct result *result, uint64_t bytes UNUSED)
{
    on_every_cpu(result, 9, ORDER9_ROUNDS);
}

static void contiguous(struct result *result, uint64_t bytes UNUSED)
{
    const uint64_t pages = 32 * MIB / PAGE_SIZE;
    uint64_t begin = arch_cycles();

    while (result->ops < 16) {
        struct page *page = alloc_contiguous(pages, pages, PAGE_MOVABLE, ALLOC_DEFAULT);

        if (page == NULL)
            break;
        free_contiguous(page, pages);
        result->ops++;
    }
    result->cycles = arch_cycles() - begin;
    if (result->ops == 0)
        result->skipped = "no free range of 32 MiB";
}

/* ---- churn ---- */

static struct page *take_all(uint64_t bytes, uint64_t *taken)
{
    struct page *chain = NULL;

    while (*taken < bytes) {
        struct page *page = alloc_pages(PAGEBLOCK_ORDER, PAGE_MOVABLE, ALLOC_DEFAULT);

        if (page == NULL)
            break;
        for (uint64_t i = 0; i < PAGEBLOCK_PAGES; i++)
            *((volatile uint64_t *)page_to_virt(page) + i * (PAGE_SIZE / sizeof(uint64_t))) = i;
        page->owner = (uintptr_t)chain;
        chain = page;
        *taken += PAGE_SIZE << PAGEBLOCK_ORDER;
    }
    return chain;
}

/* An application that again and again takes, uses and gives back the same amount. */
static void churn(struct result *result, uint64_t bytes)
{
    uint64_t begin = arch_cycles();

    for (unsigned round = 0; round < churn_rounds; round++) {
        uint64_t taken = 0;
        struct page *chain = take_all(bytes, &taken);

        while (chain) {
            struct page *next = (struct page *)(uintptr_t)chain->owner;

            free_pages(chain, PAGEBLOCK_ORDER);
            chain = next;
        }
        result->ops += taken / MIB;
        if (taken < bytes) {
            result->skipped = "not enough free memory: give a smaller size";
            return;
        }
    }
    result->cycles = arch_cycles() - begin;
}

/* ---- switching threads ---- */

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

static void context_switch(struct result *result, uint64_t bytes UNUSED)
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

static void objects(struct result *result, uint64_t bytes UNUSED)
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

/* ---- the command ---- */

static const struct bench benches[] = {
    {"order0", "allocate and free 4 KiB", order0},
    {"order9", "allocate and free 2 MiB", order9},
    {"order0-all", "the same on every CPU at once", order0_all},
    {"order9-all", "the same on every CPU at once", order9_all},
    {"contiguous", "allocate and free 32 MiB in one range", contiguous},
    {"churn", "take, touch and free a size again and again, per MiB", churn},
    {"switch", "pass the turn to another thread", context_switch},
    {"kmalloc", "allocate and free 16 to 512 bytes", objects},
};

static void run_one(const struct bench *bench, uint64_t bytes, bool machine)
{
    struct result result = {0};
    uint64_t per_op;

    bench->run(&result, bytes);
    per_op = result.ops ? result.cycles / result.ops : 0;
    if (machine && result.skipped)
        kprintf("bench=%s skipped=1\n", bench->name);
    else if (machine)
        kprintf("bench=%s ops=%llu cycles=%llu cycles_per_op=%llu ns_per_op=%llu\n",
                bench->name, (unsigned long long)result.ops, (unsigned long long)result.cycles,
                (unsigned long long)per_op, (unsigned long long)arch_cycles_to_ns(per_op));
    else if (result.skipped)
        kprintf("  %-10s skipped: %s\n", bench->name, result.skipped);
    else
        kprintf("  %-10s %8llu %12llu %10llu  %s\n", bench->name,
                (unsigned long long)result.ops, (unsigned long long)per_op,
                (unsigned long long)arch_cycles_to_ns(per_op), bench->what);
}

/* Half of what is free, but no more than shows the cost. */
static uint64_t default_churn(void)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return MIN(stats.free / 2, 256 * MIB);
}

static int bench(int argc, char **argv)
{
    bool machine = shell_wants_machine(argc, argv), found = false;
    const char *name = shell_word(argc, argv, 0), *size = shell_word(argc, argv, 1);
    const char *rounds = shell_word(argc, argv, 2);
    uint64_t bytes = default_churn();

    churn_rounds = CHURN_ROUNDS;
    if ((size && shell_number(size, &bytes) != 0) ||
        (rounds && shell_number(rounds, &churn_rounds) != 0))
        return -EINVAL;
    if (!machine)
        kprintf("  %-10s %8s %12s %10s  %s\n", "bench", "ops", "cycles/op", "ns/op", "what");
    for (unsigned i = 0; i < ARRAY_SIZE(benches); i++) {
        if (name && strcmp(name, benches[i].name) != 0)
            continue;
        run_one(&benches[i], bytes, machine);
        found = true;
    }
    return found ? 0 : -EINVAL;
}
SHELL_COMMAND(
    bench,
    "bench [order0 | order9 | order0-all | order9-all | contiguous | churn [size [rounds]] | "
    "switch | kmalloc] [--machine]",
    "what basic operations cost", bench);
