/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatting against the host's snprintf(), sizes and errors against tables.
 */
/* The shim has functions of these names; here the kernel's own are tested. */
#define format_string   tested_format_string
#define format_string_v tested_format_string_v
#define format_size     tested_format_size
#define parse_size      tested_parse_size
#define error_name      tested_error_name

#include "kernel/errors.c"
#include "kernel/format.c"
#include "kernel/size.c"
#include "unit.h"
#include <stdio.h>

#define CHECK_TEXT(expected, ...)                                                   \
    do {                                                                            \
        char text_[128];                                                            \
        int length_ = format_string(text_, sizeof(text_), __VA_ARGS__);             \
        if (strcmp(text_, expected) != 0)                                           \
            unit_fail(__FILE__, __LINE__, "'%s' instead of '%s'", text_, expected); \
        CHECK_EQ(length_, strlen(expected));                                        \
    } while (0)

TEST(format_plain)
{
    const char *volatile nothing = NULL; /* hidden from the compiler's own check */

    CHECK_TEXT("", "%s", "");
    CHECK_TEXT("100%", "%d%%", 100);
    CHECK_TEXT("[    0.001234] area: text", "[%5llu.%06llu] %s: %s", 0ull, 1234ull, "area",
               "text");
    CHECK_TEXT("(null)", "%s", nothing);
    CHECK_TEXT("0x1000", "%p", (void *)0x1000);
    CHECK_TEXT("-9223372036854775808", "%lld", (long long)INT64_MIN);
    CHECK_TEXT("ab   |   ab|a", "%-5s|%5s|%.1s", "ab", "ab", "ab");
    CHECK_TEXT("  x|y  ", "%3c|%-3c", 'x', 'y');
    CHECK_TEXT("00042   |", "%0*d%*s|", 5, 42, -3, "");
}

/* A mistake in a format is shown, and a format that ends too early ends the text. */
TEST(format_mistakes)
{
    const char *volatile bad = "%q", *volatile cut = "abc%-5";
    char text[16];

    format_string(text, sizeof(text), bad);
    CHECK(strcmp(text, "%q") == 0);
    format_string(text, sizeof(text), cut);
    CHECK(strcmp(text, "abc") == 0);
}

TEST(format_truncates)
{
    char text[8] = "#######";

    CHECK_EQ(format_string(text, 0, "%d", 12345), 5);
    CHECK_EQ(text[0], '#');
    CHECK_EQ(format_string(text, 1, "%d", 12345), 5);
    CHECK_EQ(text[0], '\0');
    CHECK_EQ(format_string(text, 4, "%d", 12345), 5);
    CHECK(strcmp(text, "123") == 0);
    CHECK_EQ(text[4], '#');
    CHECK_EQ(format_string(NULL, 0, "%s", "counted"), 7);
}

static uint64_t random_value(void)
{
    static const uint64_t corners[] = {0,          1,          9,         10,
                                       127,        128,        255,       0x7fffffff,
                                       0x80000000, 0xffffffff, INT64_MAX, (uint64_t)INT64_MIN,
                                       UINT64_MAX};
    uint64_t value = unit_random() >> unit_random_below(64);

    return unit_random_below(3) == 0 ? corners[unit_random_below(ARRAY_SIZE(corners))] : value;
}

/* "%[flags][width][.precision][length]conversion"; returns the index of the length used. */
static unsigned random_spec(char spec[40])
{
    static const char *const lengths[] = {"hh", "h", "", "l", "ll", "j", "z", "t"};
    static const char conversions[] = "diuxXo";
    unsigned length = (unsigned)unit_random_below(ARRAY_SIZE(lengths));
    char width[12] = "", precision[13] = "";
    unsigned flags = (unsigned)unit_random_below(32);

    if (unit_random_below(2))
        snprintf(width, sizeof(width), "%d", (int)unit_random_below(30) + 1);
    if (unit_random_below(3) == 0)
        snprintf(precision, sizeof(precision), ".%d", (int)unit_random_below(25));
    snprintf(spec, 40, "<%%%s%s%s%s%s%s%s%s%c>", flags & 1 ? "-" : "", flags & 2 ? "0" : "",
             flags & 4 ? "+" : "", flags & 8 ? " " : "", flags & 16 ? "#" : "", width,
             precision, lengths[length],
             conversions[unit_random_below(sizeof(conversions) - 1)]);
    return length;
}

TEST(format_numbers_like_the_host)
{
    for (unsigned i = 0; i < 100000; i++) {
        char spec[40], ours[96], theirs[96];
        unsigned length = random_spec(spec);
        uint64_t value = random_value();
        int our_length, their_length;

        if (length <= 2) {
            our_length = format_string(ours, sizeof(ours), spec, (int)value);
            their_length = snprintf(theirs, sizeof(theirs), spec, (int)value);
        } else {
            our_length = format_string(ours, sizeof(ours), spec, value);
            their_length = snprintf(theirs, sizeof(theirs), spec, value);
        }
        if (strcmp(ours, theirs) != 0 || our_length != their_length)
            unit_fail(__FILE__, __LINE__, "%s of %llx: '%s' (%d), the host says '%s' (%d)",
                      spec, (unsigned long long)value, ours, our_length, theirs, their_length);
    }
}

TEST(sizes_are_shown)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {100, "100 B"},
        {1023, "1023 B"},
        {KIB, "1 KiB"},
        {512 * KIB, "512 KiB"},
        {1536 * MIB, "1.5 GiB"},
        {MIB - 1, "1023.9 KiB"},
        {GIB + 1, "1 GiB"},
        {UINT64_MAX, "15.9 EiB"},
    };
    char text[FORMAT_SIZE_MAX];

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
        CHECK(strcmp(format_size(text, cases[i].bytes), cases[i].text) == 0);
}

TEST(sizes_are_read)
{
    static const struct {
        const char *text;
        int error;
        uint64_t bytes;
    } cases[] = {
        {"0", 0, 0},
        {"123", 0, 123},
        {"4K", 0, 4 * KIB},
        {"4k", 0, 4 * KIB},
        {"512M", 0, 512 * MIB},
        {"1G", 0, GIB},
        {"1GiB", 0, GIB},
        {"2gb", 0, 2 * GIB},
        {"7B", 0, 7},
        {"0x1000", 0, 0x1000},
        {"0X10M", 0, 16 * MIB},
        {"15E", 0, UINT64_C(15) << 60},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", -ERANGE, 0},
        {"0xfffffffffffffffff", -ERANGE, 0},
        {"16E", -ERANGE, 0},
        {"", -EINVAL, 0},
        {"M", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"1.5G", -EINVAL, 0},
        {"1X", -EINVAL, 0},
        {"1GG", -EINVAL, 0},
        {"1 G", -EINVAL, 0},
        {"0x", -EINVAL, 0},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t bytes = 0;

        if (parse_size(cases[i].text, &bytes) != cases[i].error || bytes != cases[i].bytes)
            unit_fail(__FILE__, __LINE__, "'%s' gives %llu", cases[i].text,
                      (unsigned long long)bytes);
    }
}

TEST(errors_are_named)
{
    CHECK(strcmp(error_name(-EINVAL), "EINVAL") == 0);
    CHECK(strcmp(error_name(ERANGE), "ERANGE") == 0);
    CHECK(strcmp(error_name(0), "unknown error") == 0);
    CHECK(strcmp(error_name(-99999), "unknown error") == 0);
}
