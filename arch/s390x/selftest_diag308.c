/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Self-tests: what DIAGNOSE 0x308 refuses, and the parameters of the next start.
 */
#include "ebcdic.h"
#include "reset.h"
#include <neap/alloc.h>
#include <neap/selftest.h>
#include <string.h>

#define MANUFACTURER 32 /* where system information 1.1.1 has it */

struct call {
    uint64_t subcode;
    uint64_t address;
};

static void call(void *arg)
{
    const struct call *wanted = arg;

    (void)s390_diag308(wanted->subcode, wanted->address);
}

static void call_odd_register(void *arg)
{
    register uint64_t address __asm__("3") = 0;
    register uint64_t subcode __asm__("4") = DIAG308_STORE;

    (void)arg;
    __asm__ volatile("diag %0,%1,0x308" : "+d"(address) : "d"(subcode) : "memory", "cc");
}

static void test_refused(struct selftest *t)
{
    static const struct {
        struct call call;
        int code;
    } cases[] = {
        {{7, 0}, PROGRAM_SPECIFICATION},
        {{0xff00, 0}, PROGRAM_SPECIFICATION},
        {{0x10000, 0}, PROGRAM_SPECIFICATION},
        {{UINT64_C(1) << 32, 0}, PROGRAM_SPECIFICATION},
        {{DIAG308_SET, 0x10008}, PROGRAM_SPECIFICATION},
        {{DIAG308_STORE, 0x10008}, PROGRAM_SPECIFICATION},
        {{DIAG308_STORE, UINT64_C(1) << 50}, PROGRAM_ADDRESSING},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct call one = cases[i].call;

        EXPECT_EQ(t, arch_trap_expect(call, &one, NULL), cases[i].code);
    }
    EXPECT_EQ(t, arch_trap_expect(call_odd_register, NULL, NULL), PROGRAM_SPECIFICATION);
}
SELFTEST(diag308_refused, test_refused);

/* What the machine was started with can be read and set again; nonsense cannot be set. */
static void test_parameters(struct selftest *t)
{
    struct page *page = alloc_pages(0, PAGE_KERNEL, ALLOC_ZERO);
    uint64_t answer;

    EXPECT(t, page != NULL);
    if (!page)
        return;
    EXPECT_EQ(t, s390_diag308(DIAG308_SET, page_to_phys(page)), DIAG308_INVALID);
    answer = s390_diag308(DIAG308_STORE, page_to_phys(page));
    if (answer == DIAG308_OK)
        EXPECT_EQ(t, s390_diag308(DIAG308_SET, page_to_phys(page)), DIAG308_OK);
    else
        EXPECT_EQ(t, answer, DIAG308_NONE);
    free_pages(page, 0);
}
SELFTEST(diag308_parameters, test_parameters);

/* QEMU's translator says that it is the manufacturer. */
static bool is_translator(uint8_t *page)
{
    register uint64_t function __asm__("0") = 1 << 28 | 1;
    register uint64_t selector __asm__("1") = 1;
    unsigned cc;

    __asm__ volatile("stsi 0(%4); ipm %0; srl %0,28"
                     : "=d"(cc), "+d"(function)
                     : "d"(selector), "m"(*page), "a"(page)
                     : "memory", "cc");
    return cc == 0 && ascii_from_ebcdic(page[MANUFACTURER]) == 'Q' &&
           ascii_from_ebcdic(page[MANUFACTURER + 1]) == 'E';
}

static void look_at_nothing(void *arg)
{
    (void)arg;
}

static void test_bit_12(struct selftest *t)
{
    struct page *page = alloc_pages(0, PAGE_KERNEL, ALLOC_ZERO);
    struct reset_report report;
    bool translator;

    EXPECT(t, page != NULL);
    if (!page)
        return;
    translator = is_translator(page_to_virt(page));
    free_pages(page, 0);
    if (translator) {
        selftest_skip(t, "QEMU's translator takes a short PSW without bit 12");
        return;
    }
    EXPECT_EQ(t,
              s390_reset(RESET_LOAD_NORMAL,
                         (SHORT_PSW & ~SHORT_PSW_BIT_12) | (uintptr_t)s390_reset_landing,
                         &report, look_at_nothing, NULL),
              PROGRAM_SPECIFICATION);
    s390_reset_restart_devices(t);
}
SELFTEST(diag308_bit_12_missing, test_bit_12);
