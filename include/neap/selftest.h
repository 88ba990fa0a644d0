/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Self-tests inside the booted kernel, reported as KTAP version 1.
 *
 *   static void test_list(struct selftest *t)
 *   {
 *       EXPECT(t, list_empty(&head));
 *   }
 *   SELFTEST(list_is_empty, test_list);
 */
#ifndef NEAP_SELFTEST_H
#define NEAP_SELFTEST_H

#include <neap/compiler.h>
#include <stdbool.h>

struct selftest {
    const char *name;
    bool failed;
    bool skipped;
    char reason[96]; /* of a skip */
};

struct selftest_entry {
    const char *name;
    void (*run)(struct selftest *);
};

#define SELFTEST(test_name, fn)                                                              \
    static const struct selftest_entry selftest_##test_name LINKER_TABLE_ENTRY(selftest) = { \
        #test_name, fn}

/* Note a failed expectation with its place; the test goes on. */
void selftest_fail(struct selftest *t, const char *file, int line, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Mark the test as skipped, with a reason that names what is missing. */
void selftest_skip(struct selftest *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define EXPECT(t, cond)                                                 \
    do {                                                                \
        if (!(cond))                                                    \
            selftest_fail(t, __FILE__, __LINE__, "expected %s", #cond); \
    } while (0)

#define EXPECT_EQ(t, a, b)                                                                    \
    do {                                                                                      \
        long long ea_ = (long long)(a), eb_ = (long long)(b);                                 \
        if (ea_ != eb_)                                                                       \
            selftest_fail(t, __FILE__, __LINE__, "%s is %lld, %s is %lld", #a, ea_, #b, eb_); \
    } while (0)

/*
 * Run every test whose name contains `pattern` ("" or "*": all), print KTAP. Returns the
 * number of failed tests, -ENOENT when none matched. Thread context.
 */
int selftest_run(const char *pattern);

#endif
