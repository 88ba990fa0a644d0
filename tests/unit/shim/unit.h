/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of kernel code, run as an ordinary program with sanitizers.
 *
 * A test file under tests/unit/<suite>/ looks like this:
 *
 *   #include "shim.h"
 *   #include "unit.h"
 *
 *   TEST(alloc_gives_aligned_blocks)
 *   {
 *       shim_boot(64 * MIB);                // fresh machine: memory, mm_init(), mm_init_late()
 *       struct page *page = alloc_pages(3, PAGE_KERNEL, 0);
 *       CHECK(page != NULL);
 *       CHECK_EQ(page_to_pfn(page) % 8, 0);
 *       EXPECT_PANIC("double free", (free_pages(page, 3), free_pages(page, 3)));
 *   }
 *
 * Every test runs in a forked child, so it starts with untouched static data and a crash
 * fails that test alone; coverage counters are merged at exit. A failed CHECK ends the test.
 * After EXPECT_PANIC the kernel state is that of a panicked machine: end the test there.
 * TEST_CASES(name, n) makes n tests name/0 .. name/n-1 whose body sees `test_case`.
 *
 * The program prints KTAP version 1; exit code 1 when a test failed. Arguments: parts of test
 * names (any match runs); -l lists, -n does not fork (for a debugger), -v shows the log.
 * UNIT_SEED=n in the environment changes what unit_random() gives.
 */
#ifndef UNIT_H
#define UNIT_H

#include <neap/compiler.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

struct unit_test {
    const char *name;
    void (*run)(unsigned test_case);
    unsigned cases;
    struct unit_test *next;
};

void unit_register(struct unit_test *test);

#define TEST_CASES(test_name, count)                                                          \
    static void unit_run_##test_name(unsigned test_case);                                     \
    static struct unit_test unit_test_##test_name = {#test_name, unit_run_##test_name, count, \
                                                     NULL};                                   \
    __attribute__((constructor)) static void unit_register_##test_name(void)                  \
    {                                                                                         \
        unit_register(&unit_test_##test_name);                                                \
    }                                                                                         \
    static void unit_run_##test_name(unsigned test_case UNUSED)

#define TEST(test_name) TEST_CASES(test_name, 1)

/* End the test as failed. */
void unit_fail(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4) NORETURN;

/* End the test as skipped, with a reason that names what is missing: exits with UNIT_SKIPPED.
 */
#define UNIT_SKIPPED 4
void unit_skip(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;

#define CHECK(cond)                                              \
    do {                                                         \
        if (!(cond))                                             \
            unit_fail(__FILE__, __LINE__, "expected %s", #cond); \
    } while (0)

#define CHECK_EQ(a, b)                                                                    \
    do {                                                                                  \
        long long unit_a_ = (long long)(a), unit_b_ = (long long)(b);                     \
        if (unit_a_ != unit_b_)                                                           \
            unit_fail(__FILE__, __LINE__, "%s is %lld (0x%llx), %s is %lld (0x%llx)", #a, \
                      unit_a_, unit_a_, #b, unit_b_, unit_b_);                            \
    } while (0)

/* The statement must panic with a message that contains `text`. Not inside a coroutine. */
#define EXPECT_PANIC(text, statement)                                      \
    do {                                                                   \
        if (setjmp(unit_panic_target) == 0) {                              \
            unit_panic_expected = true;                                    \
            statement;                                                     \
            unit_fail(__FILE__, __LINE__, "no panic from %s", #statement); \
        }                                                                  \
        unit_panic_check(__FILE__, __LINE__, text);                        \
    } while (0)

extern jmp_buf unit_panic_target;
extern bool unit_panic_expected;
void unit_panic_check(const char *file, int line, const char *text);

/* Random numbers, the same in every run: any 64 bits, and 0 .. limit-1. */
uint64_t unit_random(void);
uint64_t unit_random_below(uint64_t limit);
/* Begin the series of this number; the runner does so for every test. */
void unit_random_seed(uint64_t number);

/* Print a diagnostic line of the running test. */
void unit_note(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
