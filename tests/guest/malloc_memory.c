/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The application heap and the memory behind it: little is taken, all of it comes back.
 */
#include "guest.h"
#include <errno.h>
#include <malloc.h>
#include <neap/compiler.h>
#include <neap/cpu.h>
#include <neap/memory.h>
#include <neap/reporting.h>
#include <neap/space.h>
#include <neap/thread.h>
#include <stdlib.h>
#include <string.h>

/* What the allocator may keep for its next blocks, and the kernel for its own tables. */
#define SLACK (MIB + MIB / 2)

/* Through variables, so that no tool judges what must fail here. */
static void *(*volatile try_malloc)(size_t) = malloc;
static void *(*volatile try_calloc)(size_t, size_t) = calloc;
static void *(*volatile try_realloc)(void *, size_t) = realloc;

static uint64_t free_bytes(void)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return stats.free;
}

static uint64_t committed(void)
{
    struct space_stats stats;

    space_stats_get(&stats);
    return stats.committed;
}

struct level {
    uint64_t free, committed;
};

static struct level level_now(void)
{
    return (struct level){free_bytes(), committed()};
}

static bool is_back(void *arg)
{
    const struct level *before = arg;

    return free_bytes() + SLACK >= before->free && committed() <= before->committed + SLACK;
}

/* ---- frees reach the page allocator ---- */

static void test_gives_back(struct selftest *t)
{
    static const size_t sizes[] = {48, 1000, 6000, 60000, 300000, 4 * MIB, 20 * MIB};
    struct level before = level_now();
    void *stays = malloc(100); /* so does the segment that it is in */

    for (unsigned i = 0; i < ARRAY_SIZE(sizes) && !t->failed; i++) {
        size_t count = 4 * MIB / sizes[i] + (sizes[i] > 4 * MIB);
        char **blocks = calloc(count, sizeof(*blocks));
        bool all = blocks != NULL;
        uint64_t during;

        for (size_t n = 0; all && n < count; n++) {
            blocks[n] = malloc(sizes[i]);
            all = blocks[n] != NULL;
            for (size_t at = 0; all && at < sizes[i]; at += PAGE_SIZE)
                blocks[n][at] = 1;
        }
        during = free_bytes();
        EXPECT(t, !all || during + 3 * MIB < before.free);
        for (size_t n = 0; blocks && n < count; n++)
            free(blocks[n]);
        free(blocks);
        if (!eventually(is_back, &before))
            selftest_fail(t, __FILE__, __LINE__, "%llu of %llu KiB in blocks of %zu are back",
                          (unsigned long long)(free_bytes() - during) / KIB,
                          (unsigned long long)(before.free - during) / KIB, sizes[i]);
    }
    free(stays);
}
SELFTEST(malloc_gives_memory_back, test_gives_back);

/* ... and from there the host. */
static void test_reported(struct selftest *t)
{
    struct level before = level_now();
    struct reporting_stats first, last;
    struct memory_stats memory;
    char *block, *stays;
    size_t size;

    reporting_stats_get(&first);
    if (!first.enabled || !first.active) {
        selftest_skip(t, "no device takes reports, or reporting is off");
        return;
    }
    EXPECT_EQ(t, reporting_flush(), 0);
    reporting_stats_get(&first);
    /* Pieces too small to report are used first, and are pieces again afterwards. */
    memory_stats_get(&memory);
    size = 16 * MIB + memory.in_pieces;
    stays = malloc(100);
    block = malloc(size);
    for (size_t at = 0; block && at < size; at += PAGE_SIZE)
        block[at] = 1;
    free(block);
    EXPECT(t, block && eventually(is_back, &before));
    free(stays);
    EXPECT_EQ(t, reporting_flush(), 0);
    reporting_stats_get(&last);
    EXPECT(t, last.reported_bytes - first.reported_bytes >= 12 * MIB);
    EXPECT(t, last.unreported < MIB);
}
SELFTEST(malloc_frees_are_reported, test_reported);

/* ---- threads ---- */

#define BLOCKS     8
#define BLOCK_SIZE (512 * KIB)

static struct {
    struct latch filled, freed, done;
    char *blocks[BLOCKS];
    char *small;
    bool linger;
} heap;

static void owner_thread(void *arg)
{
    (void)arg;
    heap.small = malloc(100);
    for (unsigned i = 0; i < BLOCKS; i++) {
        heap.blocks[i] = malloc(BLOCK_SIZE);
        if (heap.blocks[i])
            memset(heap.blocks[i], (int)i + 1, BLOCK_SIZE);
    }
    latch_arrive(&heap.filled);
    if (heap.linger)
        latch_wait(arg, &heap.freed, 1);
    latch_arrive(&heap.done);
}

static bool start_owner(struct selftest *t, bool linger)
{
    latch_init(&heap.filled);
    latch_init(&heap.freed);
    latch_init(&heap.done);
    heap.linger = linger;
    return start_threads(t, 1, owner_thread, t) && latch_wait(t, &heap.filled, 1);
}

static void free_blocks(struct selftest *t)
{
    for (unsigned i = 0; i < BLOCKS; i++) {
        const char *block = heap.blocks[i];

        EXPECT(t, block && block[0] == (char)(i + 1) && block[BLOCK_SIZE - 1] == (char)(i + 1));
        free(heap.blocks[i]);
    }
}

/* The owner sleeps: its blocks' memory comes back all the same. */
static void test_foreign(struct selftest *t)
{
    struct level before = level_now();

    if (!start_owner(t, true))
        return;
    EXPECT(t, free_bytes() + BLOCKS * BLOCK_SIZE - SLACK < before.free);
    free_blocks(t);
    EXPECT(t, free_bytes() + SLACK >= before.free);
    latch_arrive(&heap.freed);
    latch_wait(t, &heap.done, 1);
    free(heap.small);
    EXPECT(t, eventually(is_back, &before));
}
SELFTEST(malloc_foreign_frees_give_back, test_foreign);

static void count_owner(const struct thread *thread, void *count)
{
    *(unsigned *)count += thread->state != THREAD_DEAD && strcmp(thread->name, "selftest") == 0;
}

static bool owner_ended(void *arg)
{
    unsigned count = 0;

    (void)arg;
    thread_for_each(count_owner, &count);
    return count == 0;
}

/* Blocks survive their thread; when they are freed nothing is left of its heap. */
static void test_exit(struct selftest *t)
{
    struct level before = {0};

    for (unsigned round = 0; round < 12 && !t->failed; round++) {
        if (!start_owner(t, false) || !latch_wait(t, &heap.done, 1))
            return;
        EXPECT(t, eventually(owner_ended, NULL));
        free_blocks(t);
        free(heap.small);
        if (round == 3) { /* what is cached has been cached */
            malloc_trim(0);
            before = level_now();
        }
    }
    EXPECT(t, eventually(is_back, &before));
}
SELFTEST(malloc_heap_ends_with_its_thread, test_exit);

static void first_block_thread(void *arg)
{
    uint64_t before = committed();
    void *block = malloc(100);
    uint64_t after = committed();

    EXPECT((struct selftest *)arg, block && after - before <= 160 * KIB);
    free(block);
    latch_arrive(&heap.done);
}

/* A thread's first block promises no more than it must. */
static void test_small_start(struct selftest *t)
{
    latch_init(&heap.done);
    latch_wait(t, &heap.done, start_threads(t, 1, first_block_thread, t));
}
SELFTEST(malloc_starts_small, test_small_start);

/* ---- exhaustion ---- */

struct chain {
    struct chain *next;
};

static struct chain *take_all(struct chain *chain, size_t size)
{
    struct chain *block;

    while ((block = try_malloc(size)) != NULL) {
        block->next = chain;
        chain = block;
    }
    return chain;
}

static void test_exhaustion(struct selftest *t)
{
    struct level before = level_now();
    struct chain *chain = NULL, *next;
    char *block;

    for (unsigned round = 0; round < 2; round++) {
        errno = 0;
        chain = take_all(take_all(NULL, MIB), 4000);
        EXPECT_EQ(t, errno, ENOMEM);
        errno = 0;
        EXPECT(t, try_calloc(1000, 1000) == NULL && errno == ENOMEM);
        EXPECT(t, chain && try_realloc(chain, 8 * MIB) == NULL);
        EXPECT(t, memalign(64 * KIB, MIB) == NULL);
        for (; chain; chain = next) {
            next = chain->next;
            free(chain);
        }
        EXPECT(t, eventually(is_back, &before));
    }
    block = calloc(1, 2 * MIB);
    EXPECT(t, block && block[MIB] == 0);
    free(block);
}
SELFTEST(malloc_exhaustion_is_an_error, test_exhaustion);

/* volatile, or the compiler warns of them. */
static void test_too_much(struct selftest *t)
{
    static volatile const size_t sizes[] = {SIZE_MAX,    SIZE_MAX - PAGE_SIZE,
                                            PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1,
                                            HEAP_SIZE,   HEAP_SIZE / 2};
    char *small = malloc(10);
    volatile size_t half = SIZE_MAX / 2 + 2;

    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        errno = 0;
        EXPECT(t, try_malloc(sizes[i]) == NULL && errno == ENOMEM);
        errno = 0;
        EXPECT(t, try_realloc(small, sizes[i]) == NULL && errno == ENOMEM);
        errno = 0;
        EXPECT(t, memalign(4096, sizes[i]) == NULL && errno == ENOMEM);
    }
    errno = 0;
    EXPECT(t, try_calloc(half, 2) == NULL && errno == ENOMEM);
    EXPECT(t, pvalloc(sizes[0]) == NULL);
    free(small);
}
SELFTEST(malloc_too_much_is_an_error, test_too_much);
