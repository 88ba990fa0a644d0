/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: memory caches, reclaimers, stacks and device mappings. */
#include "support.h"
#include <arch/mmio.h>
#include <arch/thread.h>
#include <neap/thread.h>
#include <neap/vmap.h>

TEST_CASES(memcache_objects, 3)
{
    struct memcache cache = MEMCACHE_INIT(test_case);
    uint64_t taken[MEMCACHE_CAPACITY];
    struct memory_stats before, after;

    struct page *dirty[40];

    shim_boot(32 * MIB);
    for (unsigned i = 0; i < ARRAY_SIZE(dirty); i++) {
        dirty[i] = alloc_pages(test_case, PAGE_KERNEL, 0);
        memset(page_to_virt(dirty[i]), 0xff, PAGE_SIZE << test_case);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(dirty); i++)
        free_pages(dirty[i], test_case);
    memory_stats_get(&before);
    CHECK_EQ(memcache_topup(&cache, 5, 0), 0);
    CHECK_EQ(cache.count, 5);
    CHECK_EQ(memcache_topup(&cache, 3, 0), 0);
    CHECK_EQ(cache.count, 5);
    CHECK_EQ(memcache_topup(&cache, MEMCACHE_CAPACITY, 0), 0);
    for (unsigned i = 0; i < MEMCACHE_CAPACITY; i++) {
        taken[i] = memcache_take(&cache);
        CHECK(IS_ALIGNED(taken[i], PAGE_SIZE << test_case));
        for (uint64_t at = 0; at < PAGE_SIZE << test_case; at += 8)
            CHECK_EQ(*(uint64_t *)phys_to_virt(taken[i] + at), 0);
    }
    CHECK_EQ(memcache_topup(&cache, 1, 0), 0);
    for (unsigned i = 0; i < MEMCACHE_CAPACITY; i++)
        memcache_put(&cache, taken[i]);
    CHECK_EQ(cache.count, MEMCACHE_CAPACITY);
    memcache_drain(&cache);
    memory_stats_get(&after);
    CHECK_EQ(before.kernel, after.kernel);
    check_everything();
}

TEST(empty_memcache_panics)
{
    struct memcache cache = MEMCACHE_INIT(0);
    uint64_t object;

    shim_boot(32 * MIB);
    EXPECT_PANIC("count", object = memcache_take(&cache));
    (void)object;
}

TEST(memcache_beyond_capacity_panics)
{
    struct memcache cache = MEMCACHE_INIT(0);

    shim_boot(32 * MIB);
    EXPECT_PANIC("minimum", (void)!memcache_topup(&cache, MEMCACHE_CAPACITY + 1, 0));
}

/* --- reclaimers --- */

static struct page *lent[64];
static unsigned nr_lent, asked, nested;
static uint64_t reclaim_sleep_ns;

static uint64_t give_back_one(struct reclaimer *self, uint64_t pages)
{
    (void)self;
    asked++;
    CHECK(pages > 0);
    if (reclaim_sleep_ns)
        thread_sleep_ns(reclaim_sleep_ns);
    /* What a reclaimer needs itself must not come back to it. */
    if (!alloc_pages(MAX_ORDER, PAGE_KERNEL, 0))
        nested++;
    if (nr_lent == 0)
        return 0;
    free_pages(lent[--nr_lent], 9);
    return 512;
}

static struct reclaimer lender = {.name = "lender", .reclaim = give_back_one};
static struct reclaimer other = {.name = "other", .reclaim = give_back_one};

static void lend_everything(void)
{
    shim_boot(24 * MIB);
    while (nr_lent < ARRAY_SIZE(lent) && (lent[nr_lent] = alloc_pages(9, PAGE_KERNEL, 0)))
        nr_lent++;
    while (nr_held < HELD_MAX && model_alloc(0, PAGE_MOVABLE, ALLOC_NO_RECLAIM))
        ;
    reclaimer_register(&lender);
}

TEST(reclaim_before_failure)
{
    unsigned had;

    lend_everything();
    had = nr_lent;
    CHECK(alloc_pages(0, PAGE_KERNEL, ALLOC_NO_RECLAIM) == NULL);
    CHECK(alloc_pages(0, PAGE_KERNEL, ALLOC_ATOMIC) == NULL);
    CHECK_EQ(asked, 0);
    CHECK(alloc_pages(9, PAGE_MOVABLE, 0) != NULL);
    CHECK_EQ(nr_lent, had - 1);
    CHECK_EQ(asked, 1);
    CHECK_EQ(nested, 1);
    check_everything();
}

TEST(reclaim_gives_up)
{
    lend_everything();
    nr_lent = 0;
    CHECK(alloc_pages(0, PAGE_KERNEL, 0) == NULL);
    CHECK_EQ(asked, 1);
    reclaimer_unregister(&other);
    reclaimer_unregister(&lender);
    CHECK(alloc_pages(0, PAGE_KERNEL, 0) == NULL);
    CHECK_EQ(asked, 1);
}

TEST(reclaimers_in_turn)
{
    lend_everything();
    reclaimer_register(&other);
    reclaimer_unregister(&lender);
    CHECK(alloc_pages(3, PAGE_KERNEL, 0) != NULL);
    CHECK_EQ(asked, 1);
    reclaimer_register(&lender);
    nr_lent = 0;
    while (alloc_pages(3, PAGE_KERNEL, ALLOC_NO_RECLAIM))
        ;
    CHECK(alloc_pages(3, PAGE_KERNEL, 0) == NULL);
    CHECK_EQ(asked, 3);
}

static void allocate_in_thread(void *arg)
{
    struct page **result = arg;

    *result = alloc_pages(8, PAGE_KERNEL, 0);
}

/* Two threads are short of memory: one asks, the other waits for its turn. */
TEST(one_reclaim_at_a_time)
{
    struct page *first = NULL, *second = NULL;

    lend_everything();
    reclaim_sleep_ns = 5 * NS_PER_MS;
    CHECK(thread_create("first", THREAD_NORMAL, allocate_in_thread, &first) != NULL);
    CHECK(thread_create("second", THREAD_NORMAL, allocate_in_thread, &second) != NULL);
    shim_advance(NS_PER_MS);
    CHECK(!first && !second);
    shim_advance(100 * NS_PER_MS);
    CHECK(first && second && first != second);
}

/* A reclaimer that hangs costs a bounded wait, not the thread. */
TEST(hanging_reclaimer)
{
    struct page *first = NULL;

    lend_everything();
    reclaim_sleep_ns = 1000 * NS_PER_S;
    CHECK(thread_create("first", THREAD_NORMAL, allocate_in_thread, &first) != NULL);
    shim_settle();
    CHECK(alloc_pages(0, PAGE_KERNEL, 0) == NULL);
    CHECK(shim_clock_ns < 100 * NS_PER_S);
}

/* --- virtual areas --- */

TEST(stacks)
{
    char *one, *two;
    uint64_t pages = 0;
    struct memory_stats before, after;

    shim_boot(32 * MIB);
    one = stack_alloc();
    CHECK(one != NULL);
    stack_free(one);
    memcache_drain(&kernel_pgtable.cache);
    memory_stats_get(&before);
    one = stack_alloc();
    two = stack_alloc();
    CHECK(one && two && one != two);
    memset(one, 1, THREAD_STACK_SIZE);
    memset(two, 2, THREAD_STACK_SIZE);
    CHECK(!shim_try_access((uintptr_t)one - 1, true));
    CHECK(!shim_access_ok((uintptr_t)two - 1, true));
    CHECK(stack_guard_hit((uintptr_t)two - 1) == two);
    CHECK(stack_guard_hit((uintptr_t)one - PAGE_SIZE) == one);
    CHECK(stack_guard_hit((uintptr_t)one) == NULL);
    CHECK(stack_guard_hit(DIRECT_MAP_BASE) == NULL);
    CHECK(stack_guard_hit(UINTPTR_MAX) == NULL);
    stack_free(one);
    CHECK(!shim_try_access((uintptr_t)one, true));
    CHECK(stack_guard_hit((uintptr_t)one - 1) == NULL);
    stack_free(two);
    memcache_drain(&kernel_pgtable.cache);
    memory_stats_get(&after);
    CHECK_EQ(before.kernel, after.kernel);
    CHECK_EQ(pages, 0);
    check_everything();
}

static uint64_t reg_read(void *model, uint64_t offset, unsigned width)
{
    (void)model;
    return offset * 100 + width;
}

static void reg_write(void *model, uint64_t offset, unsigned width, uint64_t value)
{
    *(uint64_t *)model = offset << 32 | width << 16 | value;
}

TEST(device_registers)
{
    static const struct shim_mmio ops = {reg_read, reg_write};
    const uint64_t phys = UINT64_C(0xfebf1000);
    volatile char *regs, *again;
    uint64_t written = 0;
    unsigned prot;

    shim_boot(32 * MIB);
    shim_mmio_register(phys, 0x3000, &ops, &written);
    CHECK(mmio_map(phys, 0) == NULL);
    CHECK(mmio_map(UINT64_MAX - 100, 4096) == NULL);
    regs = mmio_map(phys + 4, 0x1000);
    CHECK(regs != NULL);
    CHECK_EQ(mmio_read32(regs), 404);
    mmio_write16(regs + 4, 7);
    CHECK_EQ(written, UINT64_C(8) << 32 | 2 << 16 | 7);
    again = mmio_map(phys, 0x3000);
    CHECK(again == regs - 4);
    CHECK_EQ(mmio_read8(again + 0x2001), (uint8_t)(0x2001 * 100 + 1));
    CHECK(pgtable_lookup(&kernel_pgtable, (uintptr_t)again, NULL, NULL, &prot));
    CHECK_EQ(prot, PROT_KERNEL_RW | PROT_DEVICE);
    /* A mapping of large pages around small ones. */
    CHECK(mmio_map(UINT64_C(0xfea00000), 4 * MIB) != NULL);
    CHECK_EQ(mmio_read8(again), 1);
}
