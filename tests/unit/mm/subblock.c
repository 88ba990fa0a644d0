/* SPDX-License-Identifier: BSD-2-Clause */
/* See subblock.h. */
#include "subblock.h"
#include <neap/movable.h>
#include <neap/pin.h>
#include <neap/thread.h>

#define SUBBLOCK_PAGES (SUBBLOCK >> PAGE_SHIFT)
#define PIN_SIZE       (PIN_RANGES_MAX * PAGE_SIZE)
#define REPORT_NS      (20 * NS_PER_MS)

struct plug subblock_plug;
static struct page *kernel_block, *lent_block;
static struct pin kernel_pin, pins[SUBBLOCK / PIN_SIZE];
static unsigned nr_pins;

static pfn_t first_pfn(void)
{
    return (subblock_plug.region.start + SUBBLOCK) >> PAGE_SHIFT;
}

static uint64_t deflate(struct lender *self, pfn_t start, pfn_t end)
{
    (void)self;
    if (!lent_block || page_to_pfn(lent_block) >= end ||
        page_to_pfn(lent_block) + SUBBLOCK_PAGES <= start)
        return 0;
    page_clear_lent(lent_block);
    free_pages(lent_block, PAGEBLOCK_ORDER);
    lent_block = NULL;
    memory_account_balloon(-(int64_t)SUBBLOCK_PAGES);
    return SUBBLOCK_PAGES;
}

/* Boot memory is left in pieces of half a subblock, so that none of them is large enough. */
static void fill_boot_memory(void)
{
    while (model_alloc(PAGEBLOCK_ORDER - 1, PAGE_KERNEL, ALLOC_OPTIONAL))
        ;
    for (unsigned i = nr_held; i-- > 0;) {
        if (page_to_pfn(held[i].page) & order_pages(PAGEBLOCK_ORDER - 1))
            model_free(i);
    }
}

/*
 * The subblock under test is the second: the first holds its frames, and can neither be claimed
 * nor leave.
 */
void subblock_start(void)
{
    static struct lender lender = {.name = "balloon", .vacate = deflate};

    area_start(64 * MIB, LARGE_SIZE);
    fill_boot_memory();
    CHECK_EQ(plug_start(&subblock_plug, 5 * GIB, 4 * SUBBLOCK, SUBBLOCK), 0);
    CHECK_EQ(plug_add(&subblock_plug, 0, 1), 0);
    for (; buddy.elastic_free > 0; alloc_drain_cpu_caches())
        mover_new(0)->page->pins = 1;
    lender_register(&lender);
    host.delay_ns = REPORT_NS;
    host_start(8, 0);
    CHECK_EQ(reporting_set_enabled(false), 0);
}

/* ---- what the subblock is ---- */

static enum state state_of_block(const struct page *head, const struct page *page)
{
    switch (head->state) {
    case PAGE_FREE:
        return page_reported(head) ? FREE_REPORTED : FREE_WARM;
    case PAGE_ISOLATED:
        return REPORTING;
    default:
        CHECK_EQ(head->state, PAGE_ALLOCATED);
    }
    if (!page_elastic(page))
        return page->pins ? LONG : KERNEL;
    if (head->flags & PAGE_LENT)
        return LENT;
    CHECK(head->flags & PAGE_HELD_MOVABLE);
    return page->pins ? PINNED : USED;
}

enum state subblock_state(void)
{
    const pfn_t first = first_pfn();
    enum state state = UNPLUGGED;

    for (pfn_t pfn = first; subblock_plug.plugged[1] && pfn < first + SUBBLOCK_PAGES; pfn++) {
        enum state this = state_of_block(buddy_covering_head(pfn), pfn_to_page(pfn));

        CHECK(pfn == first || this == state);
        state = this;
    }
    return state;
}

/* ---- the attempts ---- */

static void flush(void *arg)
{
    (void)arg;
    CHECK_EQ(reporting_set_enabled(true), 0);
    (void)reporting_flush();
    CHECK_EQ(reporting_set_enabled(false), 0);
}

/* In a thread, so that the caller sees the report under way. */
static void begin_report(enum state from UNUSED)
{
    CHECK(thread_create("flush", THREAD_NORMAL, flush, NULL) != NULL);
    shim_settle();
}

static void finish_report(void)
{
    shim_advance(2 * REPORT_NS);
    CHECK(!host.busy);
}

static void unplug(enum state from)
{
    int error = plug_take(&subblock_plug, 1);

    if (from == PINNED) {
        CHECK_EQ(error, -EBUSY);
        CHECK_EQ(plug_why.pinned, SUBBLOCK);
        CHECK_EQ(strcmp(plug_why.holder, "device"), 0);
    } else if (from == KERNEL || from == LONG) {
        CHECK_EQ(error, -EBUSY);
        CHECK(plug_why.kernel >= SUBBLOCK);
    } else {
        CHECK_EQ(error, 1);
    }
}

static void make_warm(enum state from)
{
    switch (from) {
    case UNPLUGGED:
        CHECK_EQ(plug_add(&subblock_plug, 1, 2), 0);
        break;
    case REPORTING:
        host.error = -EIO;
        finish_report();
        break;
    case FREE_REPORTED:
        reporting_unregister(&host.device);
        break;
    case LENT:
        CHECK_EQ(lenders_vacate(first_pfn(), first_pfn() + 1), SUBBLOCK_PAGES);
        break;
    case KERNEL:
        free_pages(kernel_block, PAGEBLOCK_ORDER);
        shim_advance(NS_PER_S);
        break;
    case LONG:
        EXPECT_PANIC("is pinned by device", free_pages(kernel_block, PAGEBLOCK_ORDER));
        break;
    default:
        CHECK_EQ(space_discard(area, LARGE_SIZE), from == PINNED ? -EBUSY : 0);
    }
}

static void report(enum state from)
{
    if (from == UNPLUGGED)
        CHECK_EQ(plug_add(&subblock_plug, 1, 2), 0);
    else if (from != REPORTING)
        begin_report(from);
    finish_report();
}

static void lend(enum state from UNUSED)
{
    lent_block = lent_block ? lent_block : alloc_pages(PAGEBLOCK_ORDER, PAGE_MOVABLE, 0);
    if (!lent_block)
        return;
    page_set_lent(lent_block);
    memory_account_balloon(SUBBLOCK_PAGES);
}

/* In parts, as it may be scattered; stops at an error. */
static int pin_area(unsigned flags)
{
    int error = 0;

    while (!error && nr_pins < ARRAY_SIZE(pins)) {
        error = pin_pages(&pins[nr_pins], area + nr_pins * PIN_SIZE, PIN_SIZE,
                          flags | PIN_WRITE, "device");
        nr_pins += !error;
    }
    alloc_drain_cpu_caches();
    return error;
}

static void unpin(void)
{
    while (nr_pins)
        unpin_pages(&pins[--nr_pins]);
}

static void use(enum state from)
{
    if (from == PINNED)
        unpin();
    else
        area_write(0, LARGE_PAGES);
}

static void pin_short(enum state from UNUSED)
{
    CHECK_EQ(pin_area(PIN_SHORT), 0);
}

static void claim(enum state from)
{
    if (from == LONG)
        unpin_pages(&kernel_pin);
    else
        kernel_block = alloc_pages(PAGEBLOCK_ORDER, PAGE_KERNEL, 0);
}

static void pin_long(enum state from)
{
    static struct pin another;

    if (from == KERNEL)
        CHECK_EQ(pin_pages(&kernel_pin, (uintptr_t)page_to_virt(kernel_block), SUBBLOCK,
                           PIN_LONG, "device"),
                 0);
    else if (from == PINNED)
        CHECK_EQ(pin_pages(&another, area, 1, PIN_LONG, "other"), -EBUSY);
    else
        CHECK_EQ(pin_area(PIN_LONG), 0);
}

void (*const subblock_attempts[STATES])(enum state from) = {
    unplug, make_warm, report, begin_report, lend, use, pin_short, claim, pin_long,
};
