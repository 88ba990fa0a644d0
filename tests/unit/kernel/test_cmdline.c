/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel command line: words, keys, mistakes, the application's arguments.
 */
/* The shim has a function of this name; here the kernel's own is tested. */
#define parse_on_off tested_parse_on_off

#include "kernel/cmdline.c"
#include "shim.h"
#include "unit.h"

static char colour[32], shape[32];

static int set_colour(const char *value)
{
    if (strcmp(value, "purple") == 0)
        return -EINVAL;
    strcpy(colour, value);
    return 0;
}
CMDLINE_KEY(test_colour, "any colour but purple", set_colour);

static int set_shape(const char *value)
{
    strcpy(shape, value);
    return 0;
}
CMDLINE_KEY(test_shape, "a shape", set_shape);

TEST(cmdline_calls_setters)
{
    cmdline_parse("  test_colour=red\ttest_shape  ");
    CHECK(strcmp(colour, "red") == 0);
    CHECK(strcmp(shape, "") == 0);
    CHECK_EQ(shim_log_count("cmdline"), 0);
    cmdline_parse("test_shape=a=b");
    CHECK(strcmp(shape, "a=b") == 0);
    CHECK(strcmp(cmdline_text(), "test_shape=a=b") == 0);
}

TEST(cmdline_keeps_blanks_in_quotes)
{
    cmdline_parse("test_shape=\"two words\" test_colour=\"blue\"");
    CHECK(strcmp(shape, "two words") == 0);
    CHECK(strcmp(colour, "blue") == 0);
    cmdline_parse("test_shape=\"not closed");
    CHECK(strcmp(shape, "not closed") == 0);
}

TEST(cmdline_names_what_is_wrong)
{
    cmdline_parse("test_colour=green test_colour=purple");
    CHECK(strcmp(colour, "green") == 0);
    CHECK_EQ(shim_log_count("test_colour=purple ignored (EINVAL): test_colour is any colour"),
             1);
}

TEST(cmdline_knows_near_keys)
{
    cmdline_parse("test_color=x test_colours=x test_colr=x wholly_different=1 =x");
    CHECK_EQ(shim_log_count("unknown key 'test_color' ignored: did you mean test_colour?"), 1);
    CHECK_EQ(shim_log_count("unknown key 'test_colours' ignored: did you mean test_colour?"),
             1);
    CHECK_EQ(shim_log_count("unknown key 'test_colr' ignored: did you mean test_colour?"), 1);
    CHECK_EQ(shim_log_count("unknown key 'wholly_different' ignored: `help boot`"), 1);
    CHECK_EQ(shim_log_count("unknown key"), 5);
}

TEST(cmdline_survives_long_words)
{
    static char text[2 * BOOT_CMDLINE_MAX];

    memset(text, 'x', sizeof(text) - 1);
    cmdline_parse(text);
    CHECK_EQ(strlen(cmdline_text()), BOOT_CMDLINE_MAX - 1);
    CHECK_EQ(shim_log_count("unknown key"), 1);
    memset(text, ' ', 40);
    memset(text + 40, 'y', sizeof(text) - 41);
    cmdline_parse(text);
    CHECK_EQ(shim_log_count("unknown key 'y"), 1);
}

TEST(cmdline_hands_over_arguments)
{
    char **argv;

    cmdline_parse("test_shape=x");
    CHECK_EQ(cmdline_app_args(&argv), 1);
    CHECK(argv[1] == NULL);
    cmdline_parse("test_shape=x -- --port 80 \"one word\" test_colour=black");
    CHECK_EQ(cmdline_app_args(&argv), 5);
    CHECK(argv[0] != NULL && strcmp(argv[1], "--port") == 0 && strcmp(argv[2], "80") == 0);
    CHECK(strcmp(argv[3], "one word") == 0 && strcmp(argv[4], "test_colour=black") == 0);
    CHECK(argv[5] == NULL);
    CHECK(strcmp(colour, "black") != 0);
}

TEST(cmdline_limits_arguments)
{
    char text[512] = "--", **argv;

    for (unsigned i = 0; i < 100; i++)
        strcat(text, " a");
    cmdline_parse(text);
    CHECK_EQ(cmdline_app_args(&argv), APP_ARGS_MAX);
    CHECK(argv[APP_ARGS_MAX] == NULL);
    CHECK_EQ(shim_log_count("arguments after --"), 1);
}

TEST(cmdline_lists_its_keys)
{
    cmdline_print_keys();
    CHECK_EQ(shim_log_count("test_colour      any colour but purple"), 1);
    CHECK_EQ(shim_log_count("test_shape       a shape"), 1);
}

TEST(on_and_off)
{
    static const char *const yes[] = {"on", "1", "yes"}, *const no[] = {"off", "0", "no"};

    for (unsigned i = 0; i < 3; i++) {
        bool value = false;

        CHECK_EQ(parse_on_off(yes[i], &value), 0);
        CHECK(value);
        CHECK_EQ(parse_on_off(no[i], &value), 0);
        CHECK(!value);
        CHECK_EQ(parse_on_off("maybe", &value), -EINVAL);
        CHECK(!value);
    }
}
