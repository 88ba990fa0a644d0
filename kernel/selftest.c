/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The self-test runner: KTAP version 1 on the console.
 */
#include "internal.h"
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/sections.h>
#include <neap/selftest.h>
#include <string.h>

LINKER_TABLE(struct selftest_entry, selftest);

static char pattern_text[64];
static bool pattern_given;

void selftest_fail(struct selftest *t, const char *file, int line, const char *fmt, ...)
{
    char text[160];
    va_list args;

    va_start(args, fmt);
    format_string_v(text, sizeof(text), fmt, args);
    va_end(args);
    kprintf("# %s: %s:%d: %s\n", t->name, file, line, text);
    t->failed = true;
}

void selftest_skip(struct selftest *t, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    format_string_v(t->reason, sizeof(t->reason), fmt, args);
    va_end(args);
    t->skipped = true;
}

static bool matches(const struct selftest_entry *entry, const char *pattern)
{
    return pattern[0] == '\0' || strcmp(pattern, "*") == 0 ||
           strstr(entry->name, pattern) != NULL;
}

/* A test that failed and was skipped has failed. */
static void print_result(const struct selftest *t, unsigned number)
{
    if (t->failed)
        kprintf("not ok %u %s\n", number, t->name);
    else if (t->skipped)
        kprintf("ok %u %s # SKIP %s\n", number, t->name, t->reason);
    else
        kprintf("ok %u %s\n", number, t->name);
}

int selftest_run(const char *pattern)
{
    const struct selftest_entry *entry;
    unsigned total = 0, number = 0, failed = 0, skipped = 0;

    LINKER_TABLE_FOR_EACH(entry, selftest)
    {
        total += matches(entry, pattern);
    }
    if (total == 0)
        return -ENOENT;
    kprintf("KTAP version 1\n1..%u\n", total);
    LINKER_TABLE_FOR_EACH(entry, selftest)
    {
        struct selftest t = {.name = entry->name};

        if (!matches(entry, pattern))
            continue;
        entry->run(&t);
        print_result(&t, ++number);
        failed += t.failed;
        skipped += t.skipped && !t.failed;
    }
    kprintf("# pass:%u fail:%u skip:%u total:%u\n", total - failed - skipped, failed, skipped,
            total);
    return (int)failed;
}

const char *selftest_pattern(void)
{
    return pattern_given ? pattern_text : NULL;
}

static int set_test(const char *value)
{
    if (strlen(value) >= sizeof(pattern_text))
        return -ERANGE;
    strcpy(pattern_text, value);
    pattern_given = true;
    return 0;
}
CMDLINE_KEY(test, "part of a name, * for all: run these self-tests and power off", set_test);
