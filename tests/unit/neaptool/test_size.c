/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes, numbers, and the plan that brings a guest to a size. */
#include "plan.h"
#include "size.h"
#include "support.h"

TEST(size_parse_takes_units)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},          {"4096", 4096},  {"1K", KIB},        {"64M", 64 * MIB},
        {"64m", 64 * MIB}, {"8g", 8 * GIB}, {"2T", 2048 * GIB}, {"16383T", 16383 * 1024 * GIB},
    };
    struct error error;
    uint64_t bytes;

    for (unsigned i = 0; i < ARRAY_SIZE(good); i++) {
        CHECK_EQ(size_parse(good[i].text, &bytes, &error), 0);
        CHECK_EQ(bytes, good[i].bytes);
    }
}

TEST(size_parse_refuses_the_rest)
{
    static const char *const bad[] = {"",    "M",    "-1M",       "+1",
                                      " 1M", "1.5G", "1MB",       "1M ",
                                      "1E",  "0x1",  "16777216T", "99999999999999999999"};
    struct error error;
    uint64_t bytes;

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        CHECK_EQ(size_parse(bad[i], &bytes, &error), -1);
        CHECK_CONTAINS(error.text, bad[i]);
    }
}

TEST(size_format_is_exact_where_it_is_short)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1, "1"},
        {1024, "1K"},
        {1025, "1025"},
        {64 * MIB, "64M"},
        {8128 * MIB, "8128M"},
        {10001 * MIB, "9.8G"},
        {66203648, "63.1M"},
        {GIB + 1, "1.0G"},
        {UINT64_MAX, "16777216.0T"},
    };
    char text[SIZE_TEXT];

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
        CHECK_TEXT(size_format(text, cases[i].bytes), cases[i].text);
}

TEST(number_parse_keeps_limits)
{
    struct error error;
    unsigned number;

    CHECK_EQ(number_parse("255", "--smp", 1, 255, &number, &error), 0);
    CHECK_EQ(number, 255);
    CHECK_EQ(number_parse("1", "--smp", 1, 255, &number, &error), 0);
    CHECK_EQ(number_parse("0", "--smp", 1, 255, &number, &error), -1);
    CHECK_EQ(number_parse("256", "--smp", 1, 255, &number, &error), -1);
    CHECK_EQ(number_parse("2x", "--smp", 1, 255, &number, &error), -1);
    CHECK_EQ(number_parse("4294967297", "--smp", 1, 255, &number, &error), -1);
    CHECK_TEXT(error.text, "--smp is '4294967297': give a whole number from 1 to 255");
}

static const struct shape shape = {
    .boot = 64 * MIB,
    .elastic = 1984 * MIB,
    .block = 2 * MIB,
};

static void check_plan(uint64_t size, uint64_t balloon, uint64_t requested)
{
    struct error error;
    struct plan plan;

    CHECK_EQ(plan_size(&shape, size, &plan, &error), 0);
    CHECK_EQ(plan.balloon, balloon);
    CHECK_EQ(plan.requested, requested);
    CHECK_EQ(plan.size, balloon + requested);
}

TEST(plan_uses_the_device_that_can)
{
    check_plan(32 * MIB, 32 * MIB, 0);
    check_plan(64 * MIB, 64 * MIB, 0);
    check_plan(GIB, 64 * MIB, 960 * MIB);
    check_plan(2 * GIB, 64 * MIB, 1984 * MIB);
}

TEST(plan_rounds_up)
{
    check_plan(1, 4096, 0);
    check_plan(32 * MIB + 1, 32 * MIB + 4096, 0);
    check_plan(64 * MIB + 1, 64 * MIB, 2 * MIB);
    check_plan(2 * GIB - 1, 64 * MIB, 1984 * MIB);
}

TEST(plan_names_the_remedy)
{
    struct shape fixed = {.boot = 64 * MIB, .block = 2 * MIB};
    struct error error;
    struct plan plan;

    CHECK_EQ(plan_size(&shape, 0, &plan, &error), -1);
    CHECK_EQ(plan_size(&shape, 2 * GIB + 1, &plan, &error), -1);
    CHECK_EQ(plan_size(&shape, 3 * GIB, &plan, &error), -1);
    CHECK_TEXT(error.text,
               "3G is more than the guest can have, 2G: start it with --max 3G to go "
               "further");
    CHECK_EQ(plan_size(&fixed, 65 * MIB, &plan, &error), -1);
    CHECK_CONTAINS(error.text, "no virtio-mem device: start it with --max 65M");
}
