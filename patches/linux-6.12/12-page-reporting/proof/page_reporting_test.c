// SPDX-License-Identifier: GPL-2.0
/* Free page reporting on one zone whose free lists each test fills. */
#include <list.h>

#define PAGE_SHIFT              12
#define PAGE_SIZE               (1u << PAGE_SHIFT)
#define MAX_PAGE_ORDER          10
#define NR_PAGE_ORDERS          (MAX_PAGE_ORDER + 1)
#define MIGRATE_TYPES           1
#define MSEC_PER_SEC            1000L
#define PAGE_REPORTING_CAPACITY 32
enum { PAGE_REPORTING_IDLE, PAGE_REPORTING_REQUESTED, PAGE_REPORTING_ACTIVE };

struct page {
    struct list_head lru;
    unsigned int order;
    bool reported, free;
};
struct free_area {
    struct list_head free_list[MIGRATE_TYPES];
    unsigned long nr_free;
};
struct zone {
    int lock;
    struct free_area free_area[NR_PAGE_ORDERS];
};
struct scatterlist {
    struct page *page;
    unsigned int length;
    bool last;
};
struct work_struct {
    int unused;
};
struct delayed_work {
    struct work_struct work;
    long delay;
    int queued;
};
struct page_reporting_dev_info {
    int (*report)(struct page_reporting_dev_info *, struct scatterlist *, unsigned int);
    struct delayed_work work;
    atomic_t state;
    unsigned int order;
};
struct kernel_param {
    unsigned int *arg;
};

static struct zone the_zone;
static unsigned long looked_at, longest_hold;
static void (*while_unlocked)(void);

/* A look at a page with the lock held is what the lock's holder makes others wait for. */
static bool PageReported(struct page *page)
{
    if (!page->free)
        abort();
    looked_at++;
    return page->reported;
}
static void lock_zone(int *lock)
{
    BUG_ON(*lock);
    *lock = 1;
    looked_at = 0;
}
static void unlock_zone(int *lock)
{
    BUG_ON(!*lock);
    *lock = 0;
    longest_hold = max(longest_hold, looked_at);
    if (while_unlocked)
        while_unlocked();
}
#define spin_lock_irq(lock)                             lock_zone(lock)
#define spin_unlock_irq(lock)                           unlock_zone(lock)
#define cond_resched()                                  ((void)0)
#define rcu_read_lock()                                 ((void)0)
#define rcu_read_unlock()                               ((void)0)
#define rcu_dereference(p)                              (p)
#define for_each_zone(z)                                for (z = &the_zone; z; z = NULL)
#define low_wmark_pages(z)                              0
#define ALLOC_CMA                                       0
#define zone_watermark_ok(z, order, mark, index, flags) true
#define is_migrate_isolate(mt)                          false
#define get_pageblock_migratetype(page)                 0
#define get_order(size)                                 ((unsigned int)__builtin_ctz((size) >> PAGE_SHIFT))
#define PageBuddy(page)                                 ((page)->free)
#define buddy_order(page)                               ((page)->order)
#define __SetPageReported(page)                         ((page)->reported = true)
#define to_delayed_work(w)                              container_of(w, struct delayed_work, work)
#define msecs_to_jiffies(ms)                            ((long)(ms)*HZ / 1000)
#define queue_delayed_work(wq, w, d)                    ((w)->delay = (d), (w)->queued++)
#define kmalloc_array(n, size, gfp)                     calloc(n, size)
#define kfree                                           free
#define sg_page(sg)                                     ((sg)->page)
#define sg_next(sg)                                     ((sg)->last ? NULL : (sg) + 1)
#define for_each_sg(list, sg, count, i) \
    for (i = 0, sg = (list); i < (count); i++, sg = sg_next(sg))
enum vm_event_item { PAGE_REPORT_SUCCESS, PAGE_REPORT_FAIL };
static unsigned long events[2];
static int traced;
#define count_vm_events(item, delta)                   (events[item] += (delta))
#define trace_page_reporting_report(nents, pages, err) (traced++)

static void sg_init_table(struct scatterlist *sgl, unsigned int nents)
{
    memset(sgl, 0, nents * sizeof(*sgl));
    sgl[nents - 1].last = true;
}
static void sg_set_page(struct scatterlist *sg, struct page *page, unsigned int length,
                        unsigned int offset)
{
    sg->page = page;
    sg->length = length;
}
static int __isolate_free_page(struct page *page, unsigned int order)
{
    BUG_ON(!the_zone.lock || page->order != order);
    list_del(&page->lru);
    page->free = page->reported = false;
    the_zone.free_area[order].nr_free--;
    return 1 << order;
}
static void __putback_isolated_page(struct page *page, unsigned int order, int mt)
{
    BUG_ON(!the_zone.lock);
    page->free = true;
    list_add_tail(&page->lru, &the_zone.free_area[order].free_list[mt]);
    the_zone.free_area[order].nr_free++;
}
static int param_set_uint_minmax(const char *val, const struct kernel_param *kp,
                                 unsigned int least, unsigned int most)
{
    unsigned long number = strtoul(val, NULL, 0);

    if (number < least || number > most)
        return -EINVAL;
    *kp->arg = number;
    return 0;
}
void __page_reporting_notify(void);
static void *system_freezable_wq;
static struct page_reporting_dev_info *pr_dev_info;

#include "page_reporting.inc"

static struct page_reporting_dev_info device;
static unsigned long device_pages;
static int device_error;
static int take_report(struct page_reporting_dev_info *prdev, struct scatterlist *sg,
                       unsigned int nents)
{
    BUG_ON(the_zone.lock);
    for (unsigned int i = 0; i < nents; i++)
        device_pages += sg[i].length >> PAGE_SHIFT;
    return device_error;
}

static void start(void)
{
    memset(&the_zone, 0, sizeof(the_zone));
    for (int order = 0; order < NR_PAGE_ORDERS; order++)
        INIT_LIST_HEAD(&the_zone.free_area[order].free_list[0]);
    memset(&device, 0, sizeof(device));
    memset(events, 0, sizeof(events));
    device.report = take_report;
    pr_dev_info = &device;
    page_reporting_order = 9;
    device_pages = longest_hold = 0;
    device_error = traced = 0;
    while_unlocked = NULL;
}
static void add_pages(unsigned int order, int count, bool reported)
{
    while (count--) {
        struct page *page = calloc(1, sizeof(*page));

        page->order = order;
        page->reported = reported;
        page->free = true;
        list_add_tail(&page->lru, &the_zone.free_area[order].free_list[0]);
        the_zone.free_area[order].nr_free++;
    }
}
static unsigned long unreported(unsigned int order)
{
    struct list_head *list = &the_zone.free_area[order].free_list[0];
    struct page *page, *next;
    unsigned long count = 0;

    list_for_each_entry_safe(page, next, list, lru) count += !page->reported;
    return count;
}
/* Passes until the device has seen everything. */
static int passes(void)
{
    int count = 0;

    do {
        page_reporting_process(&device.work.work);
        count++;
    } while (atomic_read(&device.state) == PAGE_REPORTING_REQUESTED && count < 1000);
    return count;
}

static bool default_delay(void)
{
    start();
    __page_reporting_notify();
    expect(device.work.queued == 1 && device.work.delay == 2 * HZ);
    return true;
}
static bool delay_follows_parameter(void)
{
#ifdef HAVE_page_reporting_delay_ms
    start();
    page_reporting_delay_ms = 250;
    __page_reporting_notify();
    page_reporting_delay_ms = 2000;
    expect(device.work.delay == HZ / 4);
    return true;
#else
    return false;
#endif
}
static bool everything_is_reported(void)
{
    start();
    add_pages(9, 1000, false);
    add_pages(10, 3, false);
    passes();
    expect(unreported(9) == 0 && unreported(10) == 0);
    expect(device_pages == 1000 * 512 + 3 * 1024);
    return true;
}
static bool reports_are_counted(void)
{
    start();
    add_pages(9, 40, false);
    passes();
    expect(events[PAGE_REPORT_SUCCESS] == 40 * 512 && events[PAGE_REPORT_FAIL] == 0 &&
           traced == 2);
    return true;
}
static bool failures_are_counted(void)
{
    start();
    add_pages(9, 40, false);
    device_error = -EIO;
    page_reporting_process(&device.work.work);
    expect(unreported(9) == 40);
    expect(events[PAGE_REPORT_SUCCESS] == 0 && events[PAGE_REPORT_FAIL] == 32 * 512);
    return true;
}
static bool lock_hold_is_bounded(void)
{
    start();
    add_pages(9, 20000, true);
    page_reporting_process(&device.work.work);
    printf("# most pages looked at under the lock: %lu\n", longest_hold);
    expect(longest_hold <= 2000 && device_pages == 0);
    return true;
}
static bool nothing_is_missed_in_long_lists(void)
{
    static const int before[] = {0, 1, 1023, 1024, 1025, 3000, 9999};

    for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
        start();
        add_pages(9, before[i], true);
        add_pages(9, 100, false);
        add_pages(9, 5000, true);
        add_pages(9, 1, false);
        passes();
        expect(unreported(9) == 0 && device_pages == 101 * 512);
    }
    return true;
}
/* Somebody allocates from the head of the list whenever the lock is free. */
static void allocate_head(void)
{
    struct list_head *list = &the_zone.free_area[9].free_list[0];

    for (int i = 0; i < 700 && !list_empty(list); i++) {
        struct page *page = list_first_entry(list, struct page, lru);

        list_del(&page->lru);
        the_zone.free_area[9].nr_free--;
        free(page);
    }
}
static bool list_may_change_meanwhile(void)
{
    start();
    while_unlocked = allocate_head;
    add_pages(9, 5000, true);
    add_pages(9, 300, false);
    passes();
    while_unlocked = NULL;
    expect(atomic_read(&device.state) == PAGE_REPORTING_IDLE);
    return true;
}
static bool set_order(const char *value)
{
    const struct kernel_param param = {&page_reporting_order};

    start();
    return page_order_update_notify(value, &param) == 0;
}
static bool lowered_order_starts_a_pass(void)
{
    expect(set_order("5"));
    expect(device.work.queued == 1 && page_reporting_order == 5);
    return true;
}
static bool other_orders_start_nothing(void)
{
    expect(set_order("10") && device.work.queued == 0);
    expect(set_order("9") && device.work.queued == 0);
    expect(!set_order("11") && device.work.queued == 0 && page_reporting_order == 9);
    return true;
}

int main(void)
{
    static const struct test tests[] = {
        {"still reporting: a pass two seconds after pages were freed", default_delay},
        {"reporting: the delay follows its parameter", delay_follows_parameter},
        {"still reporting: every free page gets reported", everything_is_reported},
        {"reporting: reports are counted and traced", reports_are_counted},
        {"reporting: failed reports are counted as such", failures_are_counted},
        {"reporting: the zone lock is held for a bounded number of pages",
         lock_hold_is_bounded},
        {"still reporting: no page is missed in long lists", nothing_is_missed_in_long_lists},
        {"still reporting: the list may change while the lock is free",
         list_may_change_meanwhile},
        {"reporting: a lowered order starts a pass", lowered_order_starts_a_pass},
        {"still reporting: an order that is not lower starts nothing",
         other_orders_start_nothing},
    };

    return run_tests(tests, ARRAY_SIZE(tests));
}
