/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The application heap: contents under storms, alignment, errors.
 */
#include "guest.h"
#include <errno.h>
#include <malloc.h>
#include <neap/compiler.h>
#include <neap/cpu.h>
#include <neap/space.h>
#include <stdlib.h>
#include <string.h>

/* ---- a storm on every CPU; blocks wander between the threads ---- */

#define SLOTS     24
#define STEPS     1500
#define EXCHANGES 16

struct block {
    uint32_t *words;
    size_t count;
    uint32_t seed;
};

static struct {
    struct latch done;
    struct spinlock lock;
    struct block exchange[EXCHANGES]; /* under lock */
    uint32_t next_seed;
} storm;

/* Sparse in large blocks, so that a storm of megabytes takes no time; the last word always. */
static size_t stride(const struct block *block)
{
    return block->count < 512 ? 1 : 61;
}

static void fill(const struct block *block)
{
    uint32_t value = block->seed;

    for (size_t i = 0; i < block->count; i += stride(block))
        block->words[i] = next_random(&value);
    block->words[block->count - 1] = block->seed;
}

static bool intact(const struct block *block, size_t count)
{
    uint32_t value = block->seed;

    for (size_t i = 0; i < count; i += stride(block))
        if (block->words[i] != next_random(&value) && i != block->count - 1)
            return false;
    return count < block->count || block->words[count - 1] == block->seed;
}

/* Small ones mostly, few of up to 2 MiB. */
static size_t random_count(uint32_t *random)
{
    unsigned bits = next_random(random) % 64 == 0 ? 19 : 1 + next_random(random) % 14;

    return 1 + next_random(random) % (1u << bits);
}

static void give_up(struct selftest *t, struct block *block)
{
    if (!block->words)
        return;
    if (!intact(block, block->count))
        selftest_fail(t, __FILE__, __LINE__, "a block of %zu bytes was overwritten",
                      block->count * sizeof(uint32_t));
    free(block->words);
    block->words = NULL;
}

static void take_new(struct selftest *t, struct block *block, uint32_t *random)
{
    size_t align = sizeof(void *) << next_random(random) % 11;

    block->count = random_count(random);
    if (next_random(random) % 4)
        block->words = malloc(block->count * sizeof(uint32_t));
    else
        block->words = memalign(align, block->count * sizeof(uint32_t));
    if (!block->words)
        return; /* small guests run out: that is fine */
    EXPECT(t, space_contains((uintptr_t)block->words));
    EXPECT(t, malloc_usable_size(block->words) >= block->count * sizeof(uint32_t));
    block->seed = next_random(random);
    fill(block);
}

static void resize(struct selftest *t, struct block *block, uint32_t *random)
{
    size_t count = random_count(random), kept = count < block->count ? count : block->count;
    struct block before = *block;

    if (!block->words)
        return;
    block->words = realloc(block->words, count * sizeof(uint32_t));
    if (!block->words) {
        *block = before;
        return;
    }
    before.words = block->words;
    if (!intact(&before, kept))
        selftest_fail(t, __FILE__, __LINE__, "contents lost from %zu to %zu bytes",
                      before.count * sizeof(uint32_t), count * sizeof(uint32_t));
    block->count = count;
    fill(block);
}

static void swap_with_others(struct block *block, unsigned slot)
{
    irqflags_t flags = spin_lock(&storm.lock);
    struct block other = storm.exchange[slot];

    storm.exchange[slot] = *block;
    *block = other;
    spin_unlock(&storm.lock, flags);
}

static void storm_thread(void *arg)
{
    struct selftest *t = arg;
    struct block blocks[SLOTS] = {0};
    uint32_t random = __atomic_add_fetch(&storm.next_seed, 977, __ATOMIC_RELAXED);

    for (unsigned step = 0; step < STEPS && !t->failed; step++) {
        struct block *block = &blocks[next_random(&random) % SLOTS];
        unsigned what = next_random(&random) % 8;

        if (what == 0) {
            swap_with_others(block, next_random(&random) % EXCHANGES);
        } else if (what == 1) {
            resize(t, block, &random);
        } else {
            give_up(t, block);
            take_new(t, block, &random);
        }
    }
    for (unsigned i = 0; i < SLOTS; i++)
        give_up(t, &blocks[i]);
    latch_arrive(&storm.done);
}

static void test_storm(struct selftest *t)
{
    unsigned threads = cpu_count() + 1;

    latch_init(&storm.done);
    spin_init(&storm.lock, "malloc storm", LOCK_RANK_WORK);
    storm.next_seed = 4712;
    latch_wait(t, &storm.done, start_threads(t, threads, storm_thread, t));
    for (unsigned i = 0; i < EXCHANGES; i++)
        give_up(t, &storm.exchange[i]); /* its thread is gone */
}
SELFTEST(malloc_storm_keeps_contents, test_storm);

/* ---- single calls ---- */

static bool all_zero(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

/* Also where the memory was used before. */
static void test_calloc(struct selftest *t)
{
    static const size_t sizes[] = {1, 24, 1000, 9000, 70000, 200000, 1500000, 20000000};

    for (unsigned i = 0; i < ARRAY_SIZE(sizes) * 3; i++) {
        size_t size = sizes[i / 3];
        unsigned char *block = calloc(size / 2 + 1, 2);

        if (!block) {
            EXPECT(t, size > 2000000); /* small guests */
            continue;
        }
        EXPECT(t, all_zero(block, size));
        memset(block, 0xa5, size);
        free(block);
    }
}
SELFTEST(malloc_calloc_is_zero, test_calloc);

static void test_alignment(struct selftest *t)
{
    void *blocks[26];

    for (unsigned shift = 0; shift < ARRAY_SIZE(blocks); shift++) {
        size_t align = (size_t)1 << shift;

        blocks[shift] = memalign(align, 3000);
        EXPECT(t, blocks[shift] != NULL || align > MIB);
        EXPECT_EQ(t, (uintptr_t)blocks[shift] % align, 0);
        if (blocks[shift])
            memset(blocks[shift], (int)shift, 3000);
    }
    for (unsigned shift = 0; shift < ARRAY_SIZE(blocks); shift++) {
        const unsigned char *bytes = blocks[shift];

        EXPECT(t, !bytes || (bytes[0] == shift && bytes[2999] == shift));
        free(blocks[shift]);
    }
    blocks[0] = aligned_alloc(256, 512);
    EXPECT(t, blocks[0] && (uintptr_t)blocks[0] % 256 == 0);
    free(blocks[0]);
    EXPECT_EQ(t, posix_memalign(&blocks[0], 4096, 10), 0);
    EXPECT_EQ(t, (uintptr_t)blocks[0] % 4096, 0);
    free(blocks[0]);
}
SELFTEST(malloc_aligns, test_alignment);

/* Through a variable, so that no tool judges what is asked for. */
static void *(*volatile try_malloc)(size_t) = malloc;

static void test_edges(struct selftest *t)
{
    volatile size_t align = 0; /* tools warn of what is odd */
    void *untouched = &untouched, *block = untouched, *other;

    errno = 0;
    free(NULL);
    block = try_malloc(0);
    other = try_malloc(0);
    EXPECT(t, block && other && block != other);
    free(other);
    EXPECT_EQ(t, errno, 0);

    EXPECT(t, memalign(24, 100) == NULL && errno == EINVAL);
    other = aligned_alloc(align, 100);
    EXPECT(t, other == NULL && errno == EINVAL);
    other = untouched;
    errno = 0;
    EXPECT_EQ(t, posix_memalign(&other, 4, 100), EINVAL);
    EXPECT_EQ(t, posix_memalign(&other, 48, 100), EINVAL);
    EXPECT_EQ(t, posix_memalign(&other, 64, PTRDIFF_MAX), ENOMEM);
    EXPECT(t, other == untouched && errno == 0);
    other = realloc(block, 100);
    EXPECT(t, other != NULL);
    free(other);

    /* newlib's own calls arrive here, too. */
    other = strdup("neap");
    EXPECT(t, space_contains((uintptr_t)other) && strcmp(other, "neap") == 0);
    free(other);
}
SELFTEST(malloc_edge_cases, test_edges);
