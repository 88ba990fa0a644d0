/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Self-tests: DIAGNOSE 0x308. What a reset must leave and what it must take, as the
 * architecture says it; then everything goes on.
 */
#include "reset.h"
#include <neap/alloc.h>
#include <neap/ccw.h>
#include <neap/sections.h>
#include <neap/selftest.h>
#include <neap/virtio.h>

#define BUFFER_ORDER 8
#define BUFFER_WORDS ((PAGE_SIZE << BUFFER_ORDER) / sizeof(uint64_t))

/* Control registers after a reset. */
#define RESET_CONTROL_0  UINT64_C(0xe0)
#define RESET_CONTROL_14 UINT64_C(0xc2000000)

#define PSW_MASK_HIGH(bits) ((uint32_t)((bits) >> 32))

static uint32_t psw_mask(void)
{
    uint32_t high;

    __asm__ volatile("epsw %0,0" : "=d"(high));
    return high;
}

/* Fowler, Noll and Vo's hash: any changed bit shows. */
static uint64_t hash(const void *start, size_t bytes)
{
    const uint64_t *words = start;
    uint64_t sum = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < bytes / sizeof(*words); i++)
        sum = (sum ^ words[i]) * UINT64_C(0x100000001b3);
    return sum;
}

struct subchannels {
    unsigned present;
    unsigned enabled;
};

static void count_subchannel(const struct ccw_device *dev, void *arg)
{
    struct subchannels *counts = arg;
    struct schib schib;

    if (arch_subchannel_store(dev->id, &schib) || !(schib.pmcw.flags & PMCW_VALID))
        return;
    counts->present++;
    counts->enabled += (schib.pmcw.flags & PMCW_ENABLED) != 0;
}

static void count_subchannels(void *counts)
{
    ccw_for_each(count_subchannel, counts);
}

static void restart_device(struct virtio_device *dev, void *arg)
{
    struct selftest *t = arg;

    if (dev->driver)
        EXPECT_EQ(t, virtio_restart(dev), 0);
}

void s390_reset_restart_devices(struct selftest *t)
{
    virtio_for_each(restart_device, t);
}

static void expect_reset_state(struct selftest *t, const struct reset_report *report)
{
    const struct reset_found *found = &report->found;

    for (unsigned i = 0; i < ARRAY_SIZE(found->control); i++)
        EXPECT_EQ(t, found->control[i],
                  i == 0    ? RESET_CONTROL_0
                  : i == 14 ? RESET_CONTROL_14
                            : 0);
    EXPECT_EQ(t, found->prefix, 0);
    EXPECT(t, !(found->psw_mask & PSW_MASK_HIGH(PSW_DAT | PSW_IO | PSW_EXT)));
    EXPECT(t, !(found->psw_mask & PSW_MASK_HIGH(SHORT_PSW_BIT_12)));
    EXPECT_EQ(t, report->stopped, report->others);
}

static void go_through(struct selftest *t, enum reset_subcode subcode, uint64_t *buffer)
{
    uint64_t before[16], after[16], contents, image;
    struct subchannels earlier = {0}, later = {0};
    struct reset_report report;

    for (size_t i = 0; i < BUFFER_WORDS; i++)
        buffer[i] = i * UINT64_C(0x9e3779b97f4a7c15);
    contents = hash(buffer, BUFFER_WORDS * sizeof(*buffer));
    image = hash(__text_start, (size_t)(__rodata_end - __text_start));
    EXPECT(t, psw_mask() & PSW_MASK_HIGH(PSW_DAT));
    count_subchannels(&earlier);
    control_store(before);
    EXPECT_EQ(t,
              s390_reset(subcode, SHORT_PSW | (uintptr_t)s390_reset_landing, &report,
                         count_subchannels, &later),
              0);
    control_store(after);
    expect_reset_state(t, &report);
    for (unsigned i = 0; i < ARRAY_SIZE(before); i++)
        EXPECT_EQ(t, after[i], before[i]);
    EXPECT(t, psw_mask() & PSW_MASK_HIGH(PSW_DAT));
    EXPECT_EQ(t, hash(buffer, BUFFER_WORDS * sizeof(*buffer)), contents);
    EXPECT_EQ(t, hash(__text_start, (size_t)(__rodata_end - __text_start)), image);
    EXPECT_EQ(t, later.present, earlier.present);
    EXPECT_EQ(t, later.enabled, 0);
    s390_reset_restart_devices(t);
}

static void test_subcode(struct selftest *t, enum reset_subcode subcode)
{
    struct page *page = alloc_pages(BUFFER_ORDER, PAGE_KERNEL, 0);

    EXPECT(t, page != NULL);
    if (!page)
        return;
    go_through(t, subcode, page_to_virt(page));
    free_pages(page, BUFFER_ORDER);
}

static void test_modified_clear(struct selftest *t)
{
    test_subcode(t, RESET_MODIFIED_CLEAR);
}
SELFTEST(diag308_modified_clear, test_modified_clear);

static void test_load_normal(struct selftest *t)
{
    test_subcode(t, RESET_LOAD_NORMAL);
}
SELFTEST(diag308_load_normal, test_load_normal);
