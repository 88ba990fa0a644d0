/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: raw memory, its table and its activation while some of it is with the device. */
#include "support.h"
#include <neap/thread.h>

#define MODEL_PAGES 2000
#define BASE        (UINT64_C(1) << 30) /* pfns far from what the machine has */

static enum raw_state model[MODEL_PAGES];

static void check_table(void)
{
    const struct raw_extent *extent = raw_find(BASE);
    uint64_t sums[RAW_REPORTED + 1] = {0};

    for (uint64_t i = 0; i < MODEL_PAGES; i++) {
        enum raw_state state = RAW_NONE;

        if (extent && extent->end <= BASE + i)
            extent = raw_find(BASE + i);
        if (extent && extent->start <= BASE + i)
            state = extent->state;
        CHECK_EQ(state, model[i]);
        sums[state]++;
        /* Neighbours of one state are one extent. */
        if (extent && extent->end == BASE + i + 1 && i + 1 < MODEL_PAGES)
            CHECK(model[i + 1] != model[i]);
    }
    for (unsigned state = RAW_FRESH; state <= RAW_REPORTED; state++)
        CHECK_EQ(raw_pages((enum raw_state)state), sums[state]);
}

/* A random run of pages that are all in one state. */
static void random_run(uint64_t *start, uint64_t *end)
{
    uint64_t wish = 1 + unit_random_below(200);

    *start = unit_random_below(MODEL_PAGES);
    *end = *start + 1;
    while (*end < MODEL_PAGES && *end - *start < wish && model[*end] == model[*start])
        (*end)++;
}

TEST_CASES(raw_table_model, 4)
{
    for (unsigned i = 0; i < 3000; i++) {
        enum raw_state state = (enum raw_state)unit_random_below(RAW_REPORTED + 1);
        uint64_t start, end;

        random_run(&start, &end);
        if (model[start] == RAW_NONE && state == RAW_NONE)
            continue;
        if (!raw_has_room())
            break;
        CHECK(raw_set(BASE + start, BASE + end, state));
        for (uint64_t at = start; at < end; at++)
            model[at] = state;
        check_table();
        if (i % 500 == 499) {
            raw_forget_reports();
            for (uint64_t at = 0; at < MODEL_PAGES; at++)
                model[at] = model[at] == RAW_REPORTED ? RAW_FRESH : model[at];
            check_table();
        }
    }
}

TEST(raw_covers_what_touches)
{
    CHECK(raw_set(BASE, BASE + 10, RAW_FRESH));
    CHECK(raw_set(BASE + 10, BASE + 20, RAW_REPORTED));
    CHECK(raw_set(BASE + 21, BASE + 30, RAW_FRESH));
    CHECK(raw_covers(BASE, BASE + 20));
    CHECK(raw_covers(BASE + 3, BASE + 11));
    CHECK(!raw_covers(BASE, BASE + 21));
    CHECK(!raw_covers(BASE - 1, BASE + 2));
    CHECK(!raw_covers(BASE + 20, BASE + 22));
    CHECK(!raw_covers(BASE + 29, BASE + 31));
    CHECK_EQ(raw_largest(), 10);
}

TEST(raw_pieces_for_reporting)
{
    struct raw_extent piece;

    CHECK(!raw_highest_fresh(4, 64, &piece));
    CHECK(raw_set(BASE + 1, BASE + 103, RAW_FRESH));
    CHECK(raw_set(BASE + 201, BASE + 203, RAW_FRESH));
    CHECK(raw_highest_fresh(4, 64, &piece));
    CHECK(piece.start == BASE + 64 && piece.end == BASE + 100);
    CHECK_EQ(raw_reportable(4), 96);
    CHECK(raw_set(BASE + 64, BASE + 100, RAW_BUSY));
    CHECK(raw_highest_fresh(4, 64, &piece));
    CHECK(piece.start == BASE + 4 && piece.end == BASE + 64);
    CHECK(raw_highest_fresh(1, 64, &piece));
    CHECK(piece.start == BASE + 201 && piece.end == BASE + 203);
}

TEST(raw_table_is_full)
{
    unsigned count = 0;

    while (raw_set(BASE + 2 * count, BASE + 2 * count + 1, RAW_FRESH))
        count++;
    CHECK(count + 2 >= RAW_EXTENTS_MAX && !raw_has_room());
    CHECK(!raw_set(BASE, BASE + 1, RAW_REPORTED));
}

/* So many pieces that none more may be cut: activation fails, what is there goes on. */
TEST(no_room_for_activation)
{
    unsigned count = 0;

    shim_boot(300 * MIB);
    while (raw_has_room()) {
        CHECK(raw_set(BASE + 2 * count, BASE + 2 * count + 1, RAW_FRESH));
        count++;
    }
    while (nr_held < HELD_MAX && model_alloc(MAX_ORDER, PAGE_MOVABLE, 0))
        ;
    CHECK(nr_held < 40);
    CHECK(alloc_contiguous(100 * MIB >> PAGE_SHIFT, 1, PAGE_MOVABLE, 0) == NULL);
    while (count-- > 0)
        CHECK(raw_set(BASE + 2 * count, BASE + 2 * count + 1, RAW_NONE));
    CHECK(model_alloc(MAX_ORDER, PAGE_MOVABLE, 0) != NULL);
    check_everything();
}

/* Who comes second looks at what the first one brought, and takes no further block. */
TEST(one_activation_for_two)
{
    uint64_t first, second;

    shim_boot(600 * MIB);
    first = second = block_generation();
    CHECK_EQ(block_activate_next(&first), 0);
    CHECK_EQ(first, block_generation());
    CHECK_EQ(block_activate_next(&second), 0);
    CHECK_EQ(second, first);
    CHECK_EQ(block_generation(), first);
    CHECK_EQ(block_activate_next(&second), 0);
    CHECK(block_generation() != first);
}

/* --- activation while raw memory is being reported --- */

static const struct phys_range partly_busy[] = {
    {0x1000, 0x9f000},
    {SHIM_IMAGE_PHYS + 12 * PAGE_SIZE, 16 * MIB},
    {130 * MIB + PAGE_SIZE, 132 * MIB - PAGE_SIZE},
    {134 * MIB + PAGE_SIZE, 160 * MIB - PAGE_SIZE},
    {300 * MIB, 302 * MIB},
    {302 * MIB + PAGE_SIZE, 302 * MIB + 5 * PAGE_SIZE},
};

static unsigned taken_meanwhile;

static void take_all_meanwhile(void)
{
    if (raw_pages(RAW_BUSY) == 0)
        return;
    while (nr_held < HELD_MAX && model_alloc(2, PAGE_MOVABLE, ALLOC_ATOMIC))
        taken_meanwhile++;
    check_everything();
    host.hook = NULL;
}

/* The edges of a block can be used while its middle is with the device. */
TEST(block_that_is_partly_busy)
{
    unsigned before;

    shim_boot_ranges(partly_busy, ARRAY_SIZE(partly_busy));
    mm_init_late();
    host.hook = take_all_meanwhile;
    host_start(64, 0);
    CHECK(taken_meanwhile > 0 && host.hook == NULL);
    CHECK(raw_pages(RAW_REPORTED) > 0);
    before = nr_held;
    while (nr_held < HELD_MAX && model_alloc(2, PAGE_MOVABLE, 0))
        ;
    CHECK(nr_held > before);
    CHECK_EQ(raw_pages(RAW_REPORTED), 0);
    check_everything();
    model_free_all();
    check_everything();
}

/* All raw memory is with the device: a thread waits for it. */
TEST(allocation_waits_for_raw_memory)
{
    shim_boot(200 * MIB);
    while (nr_held < HELD_MAX && model_alloc(MAX_ORDER, PAGE_MOVABLE, 0)) {
        if (buddy.reportable < 4096)
            break;
    }
    host.delay_ns = 10 * NS_PER_MS;
    host_start(64, 0);
    while (raw_pages(RAW_BUSY) == 0)
        shim_advance(NS_PER_MS);
    while (model_alloc(MAX_ORDER, PAGE_MOVABLE, ALLOC_ATOMIC))
        ;
    CHECK(host.busy);
    CHECK(model_alloc(MAX_ORDER, PAGE_MOVABLE, 0) != NULL);
    check_everything();
}

/* --- several threads that are short of memory at once --- */

struct eater {
    unsigned order;
    enum page_kind kind;
    struct page *pages[3000];
    unsigned nr;
    bool done;
};
static struct eater eaters[3];

static void eat(void *arg)
{
    struct eater *eater = arg;
    struct page *page;

    while (eater->nr < ARRAY_SIZE(eater->pages) &&
           (page = alloc_pages(eater->order, eater->kind, 0))) {
        page->owner = (uintptr_t)eater;
        eater->pages[eater->nr++] = page;
    }
    for (unsigned i = 0; i < eater->nr; i++) {
        CHECK_EQ(eater->pages[i]->owner, (uintptr_t)eater);
        free_pages(eater->pages[i], eater->order);
    }
    eater->done = true;
}

TEST_CASES(everybody_at_once, 6)
{
    shim_set_cpus(3);
    shim_boot((test_case % 2 ? 400 : 64) * MIB);
    if (test_case >= 2)
        host_start(8, 0);
    host.delay_ns = test_case * 100 * NS_PER_US;
    shim_chaos(test_case + 100);
    for (unsigned i = 0; i < 3; i++) {
        eaters[i].order = (test_case + i * 4) % 11;
        eaters[i].kind = (enum page_kind)(i % 2);
        CHECK(thread_create("eater", THREAD_NORMAL, eat, &eaters[i]) != NULL);
    }
    for (unsigned i = 0; i < 5000 && !(eaters[0].done && eaters[1].done && eaters[2].done);
         i++) {
        thread_yield();
        shim_chaos_held = true; /* the others stand still, but in the middle of something */
        if (i % 50 == 0)
            mm_check_all(false);
        shim_chaos_held = false;
    }
    while (!(eaters[0].done && eaters[1].done && eaters[2].done))
        thread_sleep_ns(NS_PER_MS);
    shim_chaos(0);
    check_everything();
    alloc_drain_cpu_caches();
    check_everything();
}
