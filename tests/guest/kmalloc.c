/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel objects.
 */
#include "guest.h"
#include <neap/alloc.h>
#include <neap/cpu.h>
#include <neap/kmalloc.h>
#include <string.h>

static bool filled_with(const unsigned char *object, size_t size, unsigned char value)
{
    for (size_t i = 0; i < size; i++)
        if (object[i] != value)
            return false;
    return true;
}

static size_t expected_alignment(size_t size)
{
    size_t align = 16;

    while (align < size && align < PAGE_SIZE)
        align *= 2;
    return align;
}

/* All sizes at once, so that objects that overlap overwrite each other. */
static void test_sizes(struct selftest *t)
{
    static const size_t sizes[] = {1,    8,    15,   16,   17,   31,  32,   33,
                                   64,   100,  128,  200,  256,  500, 1000, 1024,
                                   1025, 2048, 3000, 4096, 4097, 9000};
    unsigned char *objects[ARRAY_SIZE(sizes)];

    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        objects[i] = kmalloc(sizes[i], ALLOC_DEFAULT);
        EXPECT(t, objects[i] != NULL);
        if (objects[i] == NULL)
            continue;
        EXPECT_EQ(t, (uintptr_t)objects[i] % expected_alignment(sizes[i]), 0);
        memset(objects[i], (int)i + 1, sizes[i]);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        if (objects[i])
            EXPECT(t, filled_with(objects[i], sizes[i], (unsigned char)(i + 1)));
        kfree(objects[i]);
    }
    kfree(NULL);
    EXPECT(t, kmalloc(0, ALLOC_DEFAULT) == NULL);
}
SELFTEST(kmalloc_sizes_and_alignment, test_sizes);

static void test_array(struct selftest *t)
{
    unsigned char *dirty = kmalloc(512, ALLOC_DEFAULT), *array;
    /* 16 bytes after an overflow; volatile, or the compiler warns of it. */
    volatile size_t huge = SIZE_MAX / 16 + 2;

    if (dirty)
        memset(dirty, 0xff, 512);
    kfree(dirty);
    array = kcalloc(32, 16, ALLOC_DEFAULT);
    EXPECT(t, array != NULL && filled_with(array, 512, 0));
    kfree(array);
    EXPECT(t, kcalloc(huge, 16, ALLOC_DEFAULT) == NULL);
}
SELFTEST(kmalloc_arrays_are_zero_and_checked, test_array);

static struct {
    struct latch done;
    uint32_t seed;
} k;

#define SLOTS 32

static void storm_thread(void *arg)
{
    unsigned char *objects[SLOTS] = {NULL};
    uint16_t sizes[SLOTS] = {0};
    uint32_t random = __atomic_add_fetch(&k.seed, 991, __ATOMIC_RELAXED);

    for (unsigned i = 0; i < 3000 + SLOTS; i++) {
        unsigned slot = i < 3000 ? next_random(&random) % SLOTS : i - 3000;

        if (objects[slot])
            EXPECT((struct selftest *)arg,
                   filled_with(objects[slot], sizes[slot], (unsigned char)slot));
        kfree(objects[slot]);
        objects[slot] = NULL;
        if (i >= 3000)
            continue;
        sizes[slot] = (uint16_t)(next_random(&random) % 700 + 1);
        objects[slot] = kmalloc(sizes[slot], ALLOC_DEFAULT);
        if (objects[slot])
            memset(objects[slot], (int)slot, sizes[slot]);
    }
    latch_arrive(&k.done);
}

static void test_storm(struct selftest *t)
{
    unsigned threads = cpu_count() + 1;

    latch_init(&k.done);
    k.seed = 4711;
    latch_wait(t, &k.done, start_threads(t, threads, storm_thread, t));
}
SELFTEST(kmalloc_storm_keeps_contents, test_storm);
