/* SPDX-License-Identifier: BSD-2-Clause */
/* See support.h. */
#include "support.h"
#include <neap/thread.h>

struct host host;
struct held held[HELD_MAX];
unsigned nr_held;

static int host_report(struct reporting_device *self, const struct phys_range *ranges,
                       unsigned nr)
{
    CHECK(self == &host.device && !host.busy && nr > 0 && nr <= self->capacity);
    host.busy = true;
    host.most_ranges = MAX(host.most_ranges, nr);
    if (host.delay_ns)
        thread_sleep_ns(host.delay_ns);
    if (host.hook)
        host.hook();
    for (unsigned i = 0; i < nr; i++) {
        uint64_t size = ranges[i].end - ranges[i].start;
        const struct page *page = block_page(ranges[i].start >> PAGE_SHIFT);

        CHECK(host.any_order || size >= PAGE_SIZE << reporting_order());
        CHECK(host.any_order || IS_ALIGNED(ranges[i].start, PAGE_SIZE << reporting_order()));
        CHECK(!page || page->state == PAGE_ISOLATED ||
              raw_covers(ranges[i].start >> PAGE_SHIFT, ranges[i].end >> PAGE_SHIFT));
        CHECK(!page || !page_reported(page));
        host.largest_range = MAX(host.largest_range, size);
        if (host.error)
            continue;
        shim_discard(ranges[i].start, size);
        host.bytes += size;
    }
    host.reports += !host.error;
    host.busy = false;
    return host.error;
}

void host_start(unsigned capacity, uint64_t granularity)
{
    host.device = (struct reporting_device){.name = "host",
                                            .capacity = capacity,
                                            .granularity = granularity,
                                            .report = host_report};
    CHECK_EQ(reporting_register(&host.device), 0);
    shim_settle();
}

uint64_t host_backed(void)
{
    return shim_backed(0, SHIM_PHYS_SIZE);
}

void check_reported_untouched(void)
{
    for (unsigned row = 0; row < BUDDY_ROWS; row++) {
        for (unsigned order = 0; order <= MAX_ORDER; order++) {
            for (uint32_t pfn = buddy.lists[row][REPORTED][order].head; pfn;
                 pfn = pfn_to_page(pfn)->next)
                CHECK_EQ(shim_backed((uint64_t)pfn << PAGE_SHIFT, PAGE_SIZE << order), 0);
        }
    }
}

uint64_t stat_reported(void)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return stats.reported;
}

uint64_t stat_unreported(void)
{
    struct reporting_stats stats;

    reporting_stats_get(&stats);
    return stats.unreported;
}

/* The first and the last word of every allocation carry its stamp. */
static uint64_t *stamp_at(const struct held *one, bool last)
{
    char *start = page_to_virt(one->page);

    return (uint64_t *)(last ? start + (one->pages << PAGE_SHIFT) - sizeof(uint64_t) : start);
}

static struct held *add(struct page *page, uint64_t pages, unsigned order, bool contiguous)
{
    struct held *one = &held[nr_held];

    for (unsigned i = 0; i < nr_held; i++)
        CHECK(page + pages <= held[i].page || page >= held[i].page + held[i].pages);
    CHECK(nr_held < HELD_MAX);
    nr_held++;
    *one = (struct held){page, pages, order, contiguous, unit_random()};
    *stamp_at(one, false) = one->stamp;
    *stamp_at(one, true) = one->stamp;
    return one;
}

struct held *model_alloc(unsigned order, enum page_kind kind, unsigned flags)
{
    struct page *page = alloc_pages(order, kind, flags);

    if (!page)
        return NULL;
    CHECK_EQ(page->state, PAGE_ALLOCATED);
    CHECK_EQ(page->order, order);
    CHECK(IS_ALIGNED(page_to_pfn(page), order_pages(order)));
    if (flags & ALLOC_ZERO) {
        for (uint64_t i = 0; i < order_pages(order); i++)
            CHECK_EQ(*(uint64_t *)page_to_virt(page + i), 0);
    }
    return add(page, order_pages(order), order, false);
}

struct held *model_alloc_contiguous(uint64_t pages, uint64_t align, enum page_kind kind)
{
    struct page *page = alloc_contiguous(pages, align, kind, 0);

    if (!page)
        return NULL;
    CHECK(IS_ALIGNED(page_to_pfn(page), align));
    return add(page, pages, 0, true);
}

void model_take(uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes >> (PAGE_SHIFT + MAX_ORDER); i++)
        CHECK(model_alloc(MAX_ORDER, PAGE_MOVABLE, 0) != NULL);
}

void model_free(unsigned index)
{
    struct held one = held[index];

    CHECK_EQ(*stamp_at(&one, false), one.stamp);
    CHECK_EQ(*stamp_at(&one, true), one.stamp);
    held[index] = held[--nr_held];
    if (one.contiguous)
        free_contiguous(one.page, one.pages);
    else
        free_pages(one.page, one.order);
}

void model_free_all(void)
{
    while (nr_held)
        model_free(nr_held - 1);
}

void check_everything(void)
{
    struct memory_stats stats;
    struct buddy_counts counts;
    uint64_t free = 0, reported = 0;

    shim_chaos_held = true;
    mm_check_all(true);
    memory_stats_get(&stats);
    buddy_counts_get(&counts);
    for (unsigned order = 0; order <= MAX_ORDER; order++) {
        free += counts.free[order] * (PAGE_SIZE << order);
        reported += counts.reported[order] * (PAGE_SIZE << order);
    }
    CHECK_EQ(stats.total,
             stats.free + stats.kernel + stats.movable + stats.metadata + stats.ballooned);
    CHECK_EQ(stats.free, stats.warm + stats.cpu_cache + stats.raw + reported +
                             buddy.isolated[REPORTED] * PAGE_SIZE);
    CHECK(stats.reported >= reported);
    CHECK(free + stats.raw + stats.cpu_cache <= stats.free);
    shim_chaos_held = false;
}
