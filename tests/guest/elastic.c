/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Application memory under constant writes from every CPU while the host plugs and unplugs: run
 * `test elastic` in a guest with a memory device and resize it meanwhile.
 */
#include "guest.h"
#include <neap/alloc.h>
#include <neap/cpu.h>
#include <neap/log.h>
#include <neap/memory.h>
#include <neap/space.h>
#include <neap/thread.h>
#include <neap/timer.h>

#define RUN_NS    (4 * NS_PER_S)
#define AREAS_MAX 8

/* One thread's memory: every page carries its round and its place. */
struct area {
    uint64_t *words;
    uint64_t pages;
    uint64_t step; /* every so many pages one is alive */
    uint64_t rounds;
    uint64_t wrong;
};

static struct {
    struct area areas[AREAS_MAX];
    unsigned next;
    uint64_t end_ns;
    struct latch done;
} run;

#define PAGE_WORDS (PAGE_SIZE / sizeof(uint64_t))

static void visit(struct area *area, uint64_t page)
{
    uint64_t *word = area->words + page * PAGE_WORDS + page % PAGE_WORDS;

    if (*word != (area->rounds ? area->rounds ^ page : 0))
        area->wrong++;
    *word = (area->rounds + 1) ^ page;
}

static void write_all(void *arg UNUSED)
{
    struct area *area = &run.areas[__atomic_fetch_add(&run.next, 1, __ATOMIC_RELAXED)];

    while (clock_ns() < run.end_ns) {
        for (uint64_t page = 0; page < area->pages; page += area->step)
            visit(area, page);
        area->rounds++;
    }
    latch_arrive(&run.done);
}

static bool commit(struct selftest *t, struct area *area, uint64_t bytes)
{
    uintptr_t va = space_reserve(bytes, PAGE_SIZE << PAGEBLOCK_ORDER);

    EXPECT(t, va != 0);
    if (va == 0)
        return false;
    *area = (struct area){.words = (uint64_t *)va, .pages = bytes / PAGE_SIZE, .step = 1};
    EXPECT_EQ(t, space_commit(va, bytes, SPACE_READ | SPACE_WRITE), 0);
    return true;
}

/* Touch everything, so that it lies next to each other, and keep one page in `step`. */
static void thin_out(struct selftest *t, struct area *area, uint64_t step)
{
    uintptr_t va = (uintptr_t)area->words;

    for (uint64_t page = 0; page < area->pages; page++)
        visit(area, page);
    for (uint64_t page = 0; page < area->pages; page += step)
        EXPECT_EQ(t,
                  space_discard(va + (page + 1) * PAGE_SIZE,
                                (MIN(step, area->pages - page) - 1) * PAGE_SIZE),
                  0);
    area->rounds = 1;
    area->step = step;
}

/* So much of the free memory is touched, one page in `step` is used while the host resizes. */
static void use_memory(struct selftest *t, unsigned percent, uint64_t step)
{
    unsigned count = MIN(cpu_count(), (unsigned)AREAS_MAX), started;
    struct memory_stats stats;
    uint64_t bytes;

    memory_stats_get(&stats);
    bytes = ALIGN_DOWN(stats.free / 100 * percent / count, PAGE_SIZE << PAGEBLOCK_ORDER);
    if (bytes == 0) {
        selftest_skip(t, "too little free memory for each CPU");
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!commit(t, &run.areas[i], bytes))
            return;
        if (step > 1)
            thin_out(t, &run.areas[i], step);
    }
    kprintf("# %llu MiB on each of %u CPUs\n", (unsigned long long)(bytes / MIB), count);
    latch_init(&run.done);
    run.next = 0;
    run.end_ns = clock_ns() + RUN_NS;
    started = start_threads(t, count, write_all, NULL);
    (void)latch_wait(t, &run.done, started);
    for (unsigned i = 0; i < count; i++) {
        EXPECT_EQ(t, run.areas[i].wrong, 0);
        EXPECT(t, i >= started || run.areas[i].rounds > 0);
        (void)space_release((uintptr_t)run.areas[i].words, bytes);
    }
}

static void test_dense(struct selftest *t)
{
    use_memory(t, 25, 1);
}
SELFTEST(elastic_contents_survive, test_dense);

static void test_scattered(struct selftest *t)
{
    use_memory(t, 75, 10);
}
SELFTEST(elastic_scattered_contents_survive, test_scattered);

/* Far more than boot memory: the kernel claims elastic memory and gives it back. */
#define KERNEL_BYTES (200 * MIB)

static bool reserve_is_empty(void *arg UNUSED)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return stats.kernel_reserve == 0;
}

static void test_kernel_reserve(struct selftest *t)
{
    static struct page *blocks[KERNEL_BYTES / PAGE_SIZE >> 6];
    struct memory_stats stats;
    unsigned count = 0;

    memory_stats_get(&stats);
    if (stats.elastic < 2 * KERNEL_BYTES || stats.total - stats.elastic >= KERNEL_BYTES) {
        selftest_skip(t, "needs 400 MiB plugged, and less than 200 MiB of boot memory");
        return;
    }
    while (count < ARRAY_SIZE(blocks)) {
        blocks[count] = alloc_pages(6, PAGE_KERNEL, 0);
        if (!blocks[count])
            break;
        count++;
    }
    EXPECT_EQ(t, count, ARRAY_SIZE(blocks));
    memory_stats_get(&stats);
    EXPECT(t, stats.kernel_reserve >= KERNEL_BYTES / 2);
    kprintf("# %llu MiB claimed\n", (unsigned long long)(stats.kernel_reserve / MIB));
    while (count > 0)
        free_pages(blocks[--count], 6);
    EXPECT(t, eventually(reserve_is_empty, NULL));
    mm_check();
}
SELFTEST(elastic_kernel_reserve, test_kernel_reserve);
