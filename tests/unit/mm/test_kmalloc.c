/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: kmalloc() against a model, and everything its debug checks must find. */
#include "support.h"
#include <neap/kmalloc.h>

#define OBJECTS 600

static struct {
    unsigned char *start;
    size_t size;
    unsigned char fill;
} objects[OBJECTS];
static unsigned nr_objects;

static size_t random_size(void)
{
    switch (unit_random_below(4)) {
    case 0:
        return 1 + unit_random_below(64);
    case 1:
        return (size_t)1 << unit_random_below(16);
    case 2:
        return 1 + unit_random_below(5000);
    default:
        return 1 + unit_random_below(2040);
    }
}

static size_t natural_alignment(size_t size)
{
    size_t align = 16;

    while (align < size && align < PAGE_SIZE)
        align *= 2;
    return align;
}

static void add_object(void)
{
    size_t size = random_size();
    bool zero = unit_random_below(3) == 0;
    unsigned char *start = kmalloc(size, zero ? ALLOC_ZERO : 0);

    CHECK(start != NULL);
    CHECK(IS_ALIGNED((uintptr_t)start, natural_alignment(size)));
    for (unsigned i = 0; i < nr_objects; i++)
        CHECK(start + size <= objects[i].start || start >= objects[i].start + objects[i].size);
    for (size_t i = 0; zero && i < size; i++)
        CHECK_EQ(start[i], 0);
    objects[nr_objects].start = start;
    objects[nr_objects].size = size;
    objects[nr_objects].fill = (unsigned char)unit_random();
    memset(start, objects[nr_objects].fill, size);
    nr_objects++;
}

static void remove_object(unsigned index)
{
    for (size_t i = 0; i < objects[index].size; i++)
        CHECK_EQ(objects[index].start[i], objects[index].fill);
    kfree(objects[index].start);
    objects[index] = objects[--nr_objects];
}

TEST_CASES(random_objects, 4)
{
    struct memory_stats before, after;
    uint64_t bytes, pages;

    shim_set_cpus(2);
    shim_boot(64 * MIB);
    memory_stats_get(&before);
    if (test_case >= 2)
        shim_chaos(test_case);
    for (unsigned i = 0; i < 8000; i++) {
        if (nr_objects < OBJECTS && (nr_objects == 0 || unit_random_below(2)))
            add_object();
        else
            remove_object((unsigned)unit_random_below(nr_objects));
        if (i % 100 == 0)
            check_everything();
    }
    if (nr_objects == 0)
        add_object();
    kmalloc_stats(&bytes, &pages);
    CHECK(bytes > 0 && pages > 0 && bytes <= pages * PAGE_SIZE);
    while (nr_objects)
        remove_object(nr_objects - 1);
    kmalloc_stats(&bytes, &pages);
    CHECK_EQ(bytes, 0);
    CHECK_EQ(pages, 0);
    memory_stats_get(&after);
    CHECK_EQ(after.kernel, before.kernel);
}

TEST(odd_requests)
{
    shim_boot(64 * MIB);
    CHECK(kmalloc(0, 0) == NULL);
    CHECK(kmalloc((PAGE_SIZE << MAX_ORDER) + 1, 0) == NULL);
    CHECK(kmalloc(SIZE_MAX, 0) == NULL);
    CHECK(kcalloc(SIZE_MAX / 2, 3, 0) == NULL);
    CHECK(kcalloc(SIZE_MAX / 16 + 2, 16, 0) == NULL);
    kfree(NULL);
}

TEST(kcalloc_is_zeroed)
{
    unsigned char *array;

    shim_boot(64 * MIB);
    array = kmalloc(600, 0);
    memset(array, 1, 600);
    kfree(array);
    array = kcalloc(100, 6, 0);
    CHECK(array != NULL);
    for (unsigned i = 0; i < 600; i++)
        CHECK_EQ(array[i], 0);
    kfree(array);
}

TEST(largest_object)
{
    char *object;

    shim_boot(64 * MIB);
    object = kmalloc(PAGE_SIZE << MAX_ORDER, 0);
    CHECK(object != NULL);
    object[(PAGE_SIZE << MAX_ORDER) - 1] = 1;
    kfree(object);
    check_everything();
}

TEST(kmalloc_double_free)
{
    char *object, *other;

    shim_boot(64 * MIB);
    object = kmalloc(100, 0);
    other = kmalloc(100, 0);
    CHECK(other != NULL);
    kfree(object);
    EXPECT_PANIC("double free", kfree(object));
}

TEST(kmalloc_double_free_of_slab)
{
    char *object;

    shim_boot(64 * MIB);
    object = kmalloc(100, 0);
    kfree(object);
    EXPECT_PANIC("double free", kfree(object));
}

TEST(kmalloc_double_free_of_pages)
{
    char *object;

    shim_boot(64 * MIB);
    object = kmalloc(10000, 0);
    kfree(object);
    EXPECT_PANIC("double free", kfree(object));
}

TEST_CASES(overrun, 4)
{
    static const size_t sizes[] = {100, 16, 10000, 70000};
    char *object;

    shim_boot(64 * MIB);
    object = kmalloc(sizes[test_case], 0);
    object[sizes[test_case]] = 0;
    EXPECT_PANIC("beyond its end", kfree(object));
}

TEST(overrun_of_the_size_word)
{
    char *object;

    shim_boot(64 * MIB);
    object = kmalloc(100, 0);
    memset(object, 0, 128);
    EXPECT_PANIC("overwritten", kfree(object));
}

TEST(write_after_kfree)
{
    char *object, *other;

    shim_boot(64 * MIB);
    object = kmalloc(100, 0);
    other = kmalloc(100, 0);
    CHECK(other != NULL);
    kfree(object);
    object[50] = 1;
    EXPECT_PANIC("after it was freed", object = kmalloc(100, 0));
}

TEST(inside_pointer)
{
    char *object;

    shim_boot(64 * MIB);
    object = kmalloc(100, 0);
    EXPECT_PANIC("not the start", kfree(object + 16));
}

TEST(inside_pointer_of_pages)
{
    char *object;

    shim_boot(64 * MIB);
    object = kmalloc(10000, 0);
    EXPECT_PANIC("not from kmalloc", kfree(object + PAGE_SIZE));
}

TEST_CASES(foreign_pointers, 4)
{
    static int here;
    struct page *page;
    void *pointers[4];

    shim_boot(64 * MIB);
    page = alloc_pages(0, PAGE_KERNEL, 0);
    pointers[0] = &here;
    pointers[1] = page_to_virt(page);
    pointers[2] = (void *)(DIRECT_MAP_BASE + 100 * GIB);
    pointers[3] = (void *)(DIRECT_MAP_BASE + 60 * MIB);
    EXPECT_PANIC(test_case % 2 ? "not from kmalloc" : "not in memory",
                 kfree(pointers[test_case]));
}

/* An owner word that only looks like a slab. */
TEST_CASES(owner_that_is_no_slab, 3)
{
    struct page *page, *other;

    shim_boot(64 * MIB);
    page = alloc_pages(1, PAGE_KERNEL, ALLOC_ZERO);
    other = alloc_pages(1, PAGE_KERNEL, ALLOC_ZERO);
    if (test_case == 0)
        page->owner = (uintptr_t)page_to_virt(other) + PAGE_SIZE * 4;
    else if (test_case == 1)
        page->owner = (uintptr_t)page_to_virt(page);
    else
        page->owner = DIRECT_MAP_BASE + 64 * GIB;
    EXPECT_PANIC("not from kmalloc", kfree((char *)page_to_virt(page) + 64));
}
