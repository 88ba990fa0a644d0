/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: pins count exactly, hold pages where they are, and name their owner. */
#include "../../../mm/space.h"
#include "plug.h"
#include "support.h"
#include <neap/pin.h>
#include <neap/timer.h>

#define PAGES 2048 /* 8 MiB */

static uintptr_t base;

static void start(uint64_t memory)
{
    shim_boot(memory);
    base = space_reserve(PAGES * PAGE_SIZE, LARGE_SIZE);
    CHECK(base != 0);
}

static void check_counts(uint64_t pages, uint64_t long_pages)
{
    struct pin_counts counts;

    pin_counts_get(&counts);
    CHECK_EQ(counts.pages, pages);
    CHECK_EQ(counts.long_pages, long_pages);
    CHECK_EQ(counts.acquired - counts.released, pages);
    CHECK(counts.peak >= pages);
}

static struct page *frame_at(uintptr_t va)
{
    uint64_t phys;

    CHECK(pgtable_lookup(&kernel_pgtable, va, &phys, NULL, NULL));
    return phys_to_page(phys);
}

TEST(pin_counts_every_frame)
{
    struct pin one, two;
    struct page *page;
    uintptr_t va;

    shim_boot(64 * MIB);
    page = alloc_pages(2, PAGE_KERNEL, 0);
    va = (uintptr_t)page_to_virt(page);
    CHECK_EQ(pin_pages(&one, va + PAGE_SIZE - 1, 2, PIN_WRITE, "one"), 0);
    CHECK_EQ(pin_pages(&two, va + PAGE_SIZE, 3 * PAGE_SIZE, PIN_SHORT, "two"), 0);
    CHECK_EQ(one.nr_ranges, 1);
    CHECK_EQ(one.ranges[0].start, page_to_phys(page) + PAGE_SIZE - 1);
    CHECK_EQ(one.ranges[0].end, page_to_phys(page) + PAGE_SIZE + 1);
    CHECK_EQ(page[0].pins, 1);
    CHECK_EQ(page[1].pins, 2);
    CHECK_EQ(page[3].pins, 1);
    check_counts(5, 0);
    CHECK(!strcmp(pin_owner(page_to_pfn(page), page_to_pfn(page) + 1), "one"));
    unpin_pages(&one);
    CHECK_EQ(page[0].pins, 0);
    CHECK_EQ(page[1].pins, 1);
    unpin_pages(&two);
    check_counts(0, 0);
    CHECK(pin_owner(page_to_pfn(page), page_to_pfn(page) + 4) == NULL);
    free_pages(page, 2);
    mm_check();
}

/* The last frame of a wide block is pinned: its head alone does not show it. */
TEST_CASES(pin_forbids_to_free, 2)
{
    unsigned order = test_case ? PAGEBLOCK_ORDER : 1;
    uint64_t last = order_pages(order) - 1;
    static struct pin pin;
    struct page *page;

    shim_boot(64 * MIB);
    page = alloc_pages(order, PAGE_KERNEL, 0);
    CHECK_EQ(pin_pages(&pin, (uintptr_t)page_to_virt(page + last), 8, PIN_SHORT, "a disk"), 0);
    EXPECT_PANIC("is pinned by", free_pages(page, order));
}

TEST(pin_fills_in_and_holds)
{
    uint64_t frames = 3;
    struct page *page;
    struct pin pin;

    start(64 * MIB);
    CHECK_EQ(space_commit(base, PAGES * PAGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    CHECK_EQ(pin_pages(&pin, base + 100, 2 * PAGE_SIZE, PIN_WRITE, "net"), 0);
    CHECK_EQ(pin.nr_ranges, 1);
    page = frame_at(base);
    CHECK_EQ(pin.ranges[0].start, page_to_phys(page) + 100);
    CHECK_EQ(pin.ranges[0].end - pin.ranges[0].start, 2 * PAGE_SIZE);
    check_counts(frames, 0);
    CHECK_EQ(space_evacuate(page), -EBUSY);
    CHECK(frame_at(base) == page);
    unpin_pages(&pin);
    CHECK_EQ(space_evacuate(page), 0);
    CHECK(frame_at(base) != page);
    mm_check();
}

TEST(pin_refuses_what_is_not_there)
{
    struct pin pin;

    start(64 * MIB);
    CHECK_EQ(pin_pages(&pin, base, 0, PIN_SHORT, "net"), -EFAULT);
    CHECK_EQ(pin_pages(&pin, UINTPTR_MAX - 5, 10, PIN_SHORT, "net"), -EFAULT);
    CHECK_EQ(pin_pages(&pin, base, 10, PIN_SHORT, "net"), -EFAULT);
    CHECK_EQ(space_commit(base, LARGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    CHECK_EQ(space_commit(base + LARGE_SIZE, LARGE_SIZE, SPACE_READ), 0);
    /* Half of it is committed, or writable: nothing stays pinned. */
    CHECK_EQ(pin_pages(&pin, base + LARGE_SIZE - 8, 16, PIN_WRITE, "net"), -EFAULT);
    CHECK_EQ(frame_at(base + LARGE_SIZE - PAGE_SIZE)->pins, 0);
    CHECK_EQ(pin_pages(&pin, base + LARGE_SIZE - 8, 16, PIN_SHORT, "net"), 0);
    unpin_pages(&pin);
    CHECK_EQ(pin_pages(&pin, base + 2 * LARGE_SIZE - 8, 16, PIN_SHORT, "net"), -EFAULT);
    CHECK_EQ(pin_pages(&pin, VMAP_BASE + VMAP_SIZE - PAGE_SIZE, 16, PIN_SHORT, "net"), -EFAULT);
    check_counts(0, 0);
}

TEST(pin_in_too_many_pieces)
{
    struct pin pin;

    start(64 * MIB);
    /* No large page fits; touched from above, the frames are in no order. */
    CHECK_EQ(space_commit(base, 64 * PAGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    for (unsigned i = 64; i-- > 0;) {
        *(uint64_t *)(base + i * PAGE_SIZE) = i;
        CHECK(alloc_pages(0, PAGE_MOVABLE, 0) != NULL);
    }
    CHECK_EQ(pin_pages(&pin, base, 64 * PAGE_SIZE, PIN_SHORT, "net"), -EMSGSIZE);
    check_counts(0, 0);
    for (unsigned i = 0; i < 64; i++)
        CHECK_EQ(frame_at(base + i * PAGE_SIZE)->pins, 0);
    CHECK_EQ(pin_pages(&pin, base, PIN_RANGES_MAX * PAGE_SIZE, PIN_SHORT, "net"), 0);
    CHECK_EQ(pin.nr_ranges, PIN_RANGES_MAX);
    unpin_pages(&pin);
}

/* The counts are the frames' own: splitting a large page under a pin loses none. */
TEST(pin_survives_a_split)
{
    uintptr_t va;
    struct pin pin;

    start(64 * MIB);
    va = base + 300 * PAGE_SIZE;
    CHECK_EQ(space_commit(base, LARGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    CHECK_EQ(pin_pages(&pin, va, PAGE_SIZE, PIN_WRITE, "net"), 0);
    CHECK_EQ(space_decommit(base, 200 * PAGE_SIZE), 0);
    CHECK_EQ(frame_at(va)->pins, 1);
    CHECK_EQ(frame_at(va)->order, 0);
    CHECK_EQ(space_evacuate(frame_at(va)), -EBUSY);
    CHECK_EQ(space_evacuate(frame_at(va + PAGE_SIZE)), 0);
    unpin_pages(&pin);
    CHECK_EQ(space_evacuate(frame_at(va)), 0);
    mm_check();
}

/* Each is named once: what is short but old, and what outlives the application. */
TEST(pin_leaks_are_named)
{
    struct pin short_pin, long_pin, kernel_pin;
    struct page *page;

    start(64 * MIB);
    page = alloc_pages(0, PAGE_KERNEL, 0);
    CHECK_EQ(space_commit(base, 2 * PAGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    CHECK_EQ(pin_pages(&short_pin, base, 1, PIN_SHORT, "a disk"), 0);
    CHECK_EQ(pin_pages(&long_pin, base + PAGE_SIZE, 1, PIN_LONG, "a ring"), 0);
    CHECK_EQ(pin_pages(&kernel_pin, (uintptr_t)page_to_virt(page), 1, PIN_LONG, "a console"),
             0);
    CHECK_EQ(pin_leaks(false), 0);
    shim_advance(2 * NS_PER_S);
    CHECK_EQ(pin_leaks(false), 1);
    CHECK_EQ(pin_leaks(false), 1);
    CHECK_EQ(shim_log_count("a disk still pins 1 bytes"), 1);
    CHECK_EQ(shim_log_count("a ring still pins"), 0);
    CHECK_EQ(pin_leaks(true), 2);
    CHECK_EQ(shim_log_count("a disk still pins"), 1);
    CHECK_EQ(shim_log_count("a ring still pins"), 1);
    CHECK_EQ(shim_log_count("a console still pins"), 0);
    unpin_pages(&short_pin);
    unpin_pages(&long_pin);
    unpin_pages(&kernel_pin);
    CHECK_EQ(pin_leaks(true), 0);
}

/* Nobody asks: a guest at rest finds them itself, and is not woken again for them. */
TEST(pin_leaks_are_found_at_rest)
{
    struct pin quick, first, second, long_pin;
    unsigned timers;

    start(64 * MIB);
    shim_advance(10 * NS_PER_S);
    timers = shim_timers_armed();
    CHECK_EQ(space_commit(base, 4 * PAGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    CHECK_EQ(pin_pages(&quick, base, 1, PIN_SHORT, "a disk"), 0);
    CHECK_EQ(pin_pages(&long_pin, base + PAGE_SIZE, 1, PIN_LONG, "a ring"), 0);
    shim_advance(NS_PER_S / 4);
    CHECK_EQ(pin_pages(&first, base + 2 * PAGE_SIZE, 1, PIN_SHORT, "a tape"), 0);
    unpin_pages(&quick);
    shim_advance(NS_PER_S / 2);
    CHECK_EQ(pin_pages(&second, base + 3 * PAGE_SIZE, 1, PIN_SHORT, "a drum"), 0);
    shim_advance(NS_PER_S * 3 / 4);
    CHECK_EQ(shim_log_count("a tape still pins"), 1);
    CHECK_EQ(shim_log_count("a drum still pins"), 0);
    shim_advance(NS_PER_S / 2);
    CHECK_EQ(shim_log_count("a drum still pins"), 1);
    CHECK_EQ(shim_log_count("still pins"), 2);
    shim_advance(10 * NS_PER_S);
    CHECK_EQ(shim_timers_armed(), timers);
    unpin_pages(&first);
    unpin_pages(&second);
    unpin_pages(&long_pin);
}

/* --- with elastic memory --- */

static struct plug plug;

static void start_elastic(void)
{
    start(64 * MIB);
    CHECK_EQ(plug_start(&plug, 256 * MIB, 64 * MIB, 2 * MIB), 0);
    CHECK_EQ(plug_add(&plug, 0, 32), 0);
    CHECK_EQ(space_commit(base, PAGES * PAGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    for (uint64_t i = 0; i < PAGES; i++)
        *(uint64_t *)(base + i * PAGE_SIZE) = i + 1;
    CHECK(frame_at(base)->flags & PAGE_ELASTIC);
}

TEST(pin_for_long_leaves_elastic_memory)
{
    uintptr_t va;
    struct pin pin;

    start_elastic();
    va = base + 100 * PAGE_SIZE;
    CHECK_EQ(pin_pages(&pin, va, 4 * PAGE_SIZE, PIN_LONG | PIN_WRITE, "net rx"), 0);
    check_counts(4, 4);
    for (unsigned i = 0; i < 4; i++) {
        CHECK(!(frame_at(va + i * PAGE_SIZE)->flags & PAGE_ELASTIC));
        CHECK_EQ(*(uint64_t *)(va + i * PAGE_SIZE), 101 + i);
    }
    mm_check();
    space_check();
    /* So it holds no unplug up. */
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK_EQ(plug.region.plugged, 0);
    CHECK_EQ(frame_at(va)->pins, 1);
    unpin_pages(&pin);
    CHECK_EQ(space_decommit(base, PAGES * PAGE_SIZE), 0);
    check_everything();
}

/* A short pin refuses with its owner's name, and its end is told. */
TEST(pin_holds_unplug_up)
{
    uint64_t calls;
    struct pin pin;

    start_elastic();
    CHECK_EQ(pin_pages(&pin, base + 5, 1, PIN_SHORT, "disk 0"), 0);
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK(plug.region.plugged <= 2); /* and the one with the frame pages */
    CHECK_EQ(plug_why.pinned, 2 * MIB);
    CHECK(plug_why.holder != NULL);
    calls = plug.calls;
    unpin_pages(&pin);
    CHECK(plug.calls > calls);
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK_EQ(plug.region.plugged, 0);
}

/* --- a storm --- */

#define PINS 40

TEST_CASES(pin_storm, 4)
{
    static uint32_t model[PAGES];
    static struct pin pins[PINS];
    static bool used[PINS];

    start_elastic();
    for (unsigned step = 0; step < 1500; step++) {
        unsigned i = (unsigned)unit_random_below(PINS);
        uint64_t first = unit_random_below(PAGES), pages = 1 + unit_random_below(8);
        uint64_t at = unit_random_below(PAGES);
        int error;

        pages = MIN(pages, PAGES - first);
        if (used[i]) {
            first = (pins[i].va - base) / PAGE_SIZE;
            pages = pins[i].size / PAGE_SIZE;
            unpin_pages(&pins[i]);
            used[i] = false;
            for (uint64_t page = first; page < first + pages; page++)
                model[page]--;
        } else {
            /* Long pins of what others pin in elastic memory would wait for them. */
            error = pin_pages(&pins[i], base + first * PAGE_SIZE, pages * PAGE_SIZE,
                              unit_random_below(2) ? PIN_WRITE : PIN_SHORT, "storm");
            CHECK(error == 0 || error == -EMSGSIZE);
            used[i] = !error;
            for (uint64_t page = first; !error && page < first + pages; page++)
                model[page]++;
        }
        error = space_evacuate(pfn_to_page(
            ALIGN_DOWN(page_to_pfn(frame_at(base + at * PAGE_SIZE)),
                       frame_at(base + at * PAGE_SIZE)->state == PAGE_TAIL ? LARGE_PAGES : 1)));
        CHECK(!model[at] || error == -EBUSY || error == -ENOMEM);
        at = unit_random_below(PAGES);
        CHECK_EQ(frame_at(base + at * PAGE_SIZE)->pins, model[at]);
        CHECK_EQ(*(uint64_t *)(base + at * PAGE_SIZE), at + 1);
    }
    for (unsigned i = 0; i < PINS; i++)
        if (used[i])
            unpin_pages(&pins[i]);
    check_counts(0, 0);
    for (uint64_t i = 0; i < PAGES; i++)
        CHECK_EQ(frame_at(base + i * PAGE_SIZE)->pins, 0);
    space_check();
    CHECK_EQ(space_decommit(base, PAGES * PAGE_SIZE), 0);
    check_everything();
}
