/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests: every allocation inside a larger operation fails once; nothing may leak and
 * nothing may have changed.
 */
#include "support.h"
#include <neap/kmalloc.h>
#include <neap/vmap.h>

/* An operation: returns whether it succeeded. undo() is called after it did. */
struct operation {
    const char *name;
    void (*prepare)(void);
    bool (*run)(void);
    void (*undo)(void);
    bool keeps;        /* what was mapped before the failure may stay */
    unsigned failures; /* at least so many allocations are inside */
};

static void *object;
static struct memcache cache = MEMCACHE_INIT(2);

/* Without spare tables at hand, so that everything has to allocate. */
static void empty_tables(void)
{
    memcache_drain(&kernel_pgtable.cache);
}

static bool run_map(void)
{
    return pgtable_map(&kernel_pgtable, HEAP_BASE + 511 * GIB + 5 * PAGE_SIZE, 64 * GIB,
                       3 * GIB, PROT_KERNEL_RW) == 0;
}

static void undo_map(void)
{
    CHECK_EQ(pgtable_unmap(&kernel_pgtable, HEAP_BASE + 511 * GIB + 5 * PAGE_SIZE, 3 * GIB), 0);
}

static void prepare_split(void)
{
    uint64_t phys;

    if (!pgtable_lookup(&kernel_pgtable, HEAP_BASE, &phys, NULL, NULL))
        CHECK_EQ(pgtable_map(&kernel_pgtable, HEAP_BASE, 64 * GIB, 4 * GIB, PROT_KERNEL_RW), 0);
    empty_tables();
}

static bool run_unmap(void)
{
    unsigned level;

    if (pgtable_unmap(&kernel_pgtable, HEAP_BASE + 5 * PAGE_SIZE, 3 * GIB) == 0)
        return true;
    CHECK(pgtable_lookup(&kernel_pgtable, HEAP_BASE + 3 * GIB, NULL, &level, NULL));
    CHECK_EQ(level, 2);
    return false;
}

static void undo_unmap(void)
{
    CHECK_EQ(pgtable_unmap(&kernel_pgtable, HEAP_BASE, 4 * GIB), 0);
}

static bool run_protect(void)
{
    return pgtable_protect(&kernel_pgtable, HEAP_BASE + 5 * PAGE_SIZE, 3 * GIB,
                           PROT_KERNEL_RO) == 0;
}

static bool run_stack(void)
{
    object = stack_alloc();
    return object != NULL;
}

static void undo_stack(void)
{
    stack_free(object);
}

static bool run_topup(void)
{
    return memcache_topup(&cache, 9, 0) == 0;
}

static void undo_topup(void)
{
    memcache_drain(&cache);
}

static bool run_kmalloc(void)
{
    object = kmalloc(100, ALLOC_ZERO);
    return object != NULL;
}

static bool run_kmalloc_large(void)
{
    object = kmalloc(100000, 0);
    return object != NULL;
}

static void undo_kmalloc(void)
{
    kfree(object);
}

static bool run_mmio(void)
{
    return mmio_map(UINT64_C(0xfe000000), 8 * MIB + 3) != NULL;
}

static void undo_mmio(void)
{
    CHECK_EQ(
        pgtable_unmap(&kernel_pgtable, MMIO_BASE + UINT64_C(0xfe000000), 8 * MIB + PAGE_SIZE),
        0);
}

static void prepare_nothing(void)
{
}

static const struct operation operations[] = {
    {"map", empty_tables, run_map, undo_map, false, 8},
    {"unmap", prepare_split, run_unmap, undo_unmap, false, 3},
    {"protect", prepare_split, run_protect, undo_unmap, false, 3},
    {"stack", empty_tables, run_stack, undo_stack, false, 4},
    {"topup", prepare_nothing, run_topup, undo_topup, false, 9},
    {"kmalloc", prepare_nothing, run_kmalloc, undo_kmalloc, false, 2},
    {"large kmalloc", prepare_nothing, run_kmalloc_large, undo_kmalloc, false, 2},
    {"mmio", empty_tables, run_mmio, undo_mmio, true, 3},
};

static uint64_t used_kernel(void)
{
    struct memory_stats stats;

    memcache_drain(&kernel_pgtable.cache);
    if (cache.count)
        memcache_drain(&cache);
    memory_stats_get(&stats);
    return stats.kernel;
}

TEST_CASES(every_allocation_fails_once, 8)
{
    const struct operation *operation = &operations[test_case];
    uint64_t before, tables;
    unsigned failures = 0;

    unit_note("%s", operation->name);
    shim_boot(64 * MIB);
    for (unsigned n = 1;; n++) {
        bool success;

        operation->prepare();
        before = used_kernel();
        tables = kernel_pgtable.tables;
        alloc_inject_failure(n, 0);
        success = operation->run();
        alloc_inject_failure(0, 0);
        check_everything();
        if (success)
            break;
        failures++;
        if (operation->keeps)
            continue;
        CHECK_EQ(used_kernel(), before);
        CHECK_EQ(kernel_pgtable.tables, tables);
    }
    CHECK(failures >= operation->failures);
    operation->undo();
    check_everything();
}

TEST(no_stack_slot_left)
{
    void *stack = NULL, *last = NULL;
    unsigned count = 0;

    shim_boot(512 * MIB);
    while ((stack = stack_alloc())) {
        last = stack;
        count++;
    }
    CHECK_EQ(count, 8192);
    CHECK_EQ(alloc_pages(0, PAGE_KERNEL, 0) != NULL, true);
    stack_free(last);
    CHECK(stack_alloc() == last);
}
