/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench: the page allocator.
 */
#include <neap/alloc.h>
#include <neap/bench.h>
#include <neap/cpu.h>
#include <neap/thread.h>
#include <neap/wait.h>

#define BATCH         16
#define ORDER0_ROUNDS 4096
#define ORDER9_ROUNDS 1024

/* Allocate and free in batches, so that per-CPU lists are filled and emptied as well. */
static void pages_of_order(struct bench_result *result, unsigned order, uint64_t rounds)
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

static void order0(struct bench_result *result)
{
    pages_of_order(result, 0, ORDER0_ROUNDS);
}
BENCH(order0, "order0", "allocate and free 4 KiB");

static void order9(struct bench_result *result)
{
    pages_of_order(result, 9, ORDER9_ROUNDS);
}
BENCH(order9, "order9", "allocate and free 2 MiB");

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
    struct bench_result own = {0};

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
static void on_every_cpu(struct bench_result *result, unsigned order, uint64_t rounds)
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

static void order0_all(struct bench_result *result)
{
    on_every_cpu(result, 0, ORDER0_ROUNDS);
}
BENCH(order0_all, "order0-all", "the same as order0 on every CPU at once");

static void order9_all(struct bench_result *result)
{
    on_every_cpu(result, 9, ORDER9_ROUNDS);
}
BENCH(order9_all, "order9-all", "the same as order9 on every CPU at once");

static void contiguous(struct bench_result *result)
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
BENCH(contiguous, "contiguous", "allocate and free 32 MiB in one range");

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
static void churn(struct bench_result *result)
{
    uint64_t begin = arch_cycles();

    for (unsigned round = 0; round < result->rounds; round++) {
        uint64_t taken = 0;
        struct page *chain = take_all(result->bytes, &taken);

        while (chain) {
            struct page *next = (struct page *)(uintptr_t)chain->owner;

            free_pages(chain, PAGEBLOCK_ORDER);
            chain = next;
        }
        result->ops += taken / MIB;
        if (taken < result->bytes) {
            result->skipped = "not enough free memory: give a smaller size";
            return;
        }
    }
    result->cycles = arch_cycles() - begin;
}
BENCH(churn, "churn", "take, touch and free a size again and again, per MiB");
