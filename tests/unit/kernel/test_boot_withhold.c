/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot memory that is left alone. */
#include "shim.h"
#include "unit.h"
#include <errno.h>
#include <neap/page.h>

static struct boot_info info = {
    .memory = {{MIB, 64 * MIB}, {100 * MIB, 133 * MIB}, {200 * MIB, 201 * MIB}},
    .nr_memory = 3,
};

TEST(withhold_nothing)
{
    boot_memory_withhold(&info);
    CHECK_EQ(boot_memory_withheld().end, 0);
    CHECK_EQ(info.nr_memory, 3);
}

/* The highest range that has so many whole pieces of 2 MiB. */
static const struct {
    const char *size;
    uint64_t start, end;
} cases[] = {
    {"31M", 100 * MIB, 132 * MIB},
    {"4M", 128 * MIB, 132 * MIB},
    {"1", 130 * MIB, 132 * MIB},
    {"33M", 30 * MIB, 64 * MIB},
};

TEST_CASES(withhold_from_the_end, ARRAY_SIZE(cases))
{
    struct phys_range held;

    CHECK_EQ(shim_cmdline_set("withhold", cases[test_case].size), 0);
    boot_memory_withhold(&info);
    held = boot_memory_withheld();
    CHECK_EQ(held.start, cases[test_case].start);
    CHECK_EQ(held.end, cases[test_case].end);
    for (unsigned i = 0; i < info.nr_memory; i++)
        CHECK(info.memory[i].end <= held.start || info.memory[i].start >= held.end);
}

TEST(withhold_more_than_there_is)
{
    CHECK_EQ(shim_cmdline_set("withhold", "1G"), 0);
    boot_memory_withhold(&info);
    CHECK_EQ(boot_memory_withheld().end, 0);
    CHECK_EQ(shim_log_count("withhold: no memory range of 1 GiB"), 1);
}

TEST(withhold_nonsense)
{
    CHECK_EQ(shim_cmdline_set("withhold", "much"), -EINVAL);
    CHECK_EQ(shim_cmdline_set("withhold", "0xffffffffffffffff"), -ERANGE);
    boot_memory_withhold(&info);
    CHECK_EQ(boot_memory_withheld().end, 0);
}
