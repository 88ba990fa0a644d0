/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizes in bytes as people write them: "1.5 GiB", "512M".
 */
#include <neap/errors.h>
#include <neap/format.h>

char *format_size(char buffer[FORMAT_SIZE_MAX], uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    uint64_t whole = bytes, rest = 0;
    unsigned unit = 0;

    while (whole >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
        rest = whole % 1024;
        whole /= 1024;
        unit++;
    }
    rest = rest * 10 / 1024;
    if (rest != 0)
        format_string(buffer, FORMAT_SIZE_MAX, "%u.%u %s", (unsigned)whole, (unsigned)rest,
                      units[unit]);
    else
        format_string(buffer, FORMAT_SIZE_MAX, "%u %s", (unsigned)whole, units[unit]);
    return buffer;
}

static int digit_of(char c, unsigned base)
{
    int digit = -1;

    if (c >= '0' && c <= '9')
        digit = c - '0';
    else if (c >= 'a' && c <= 'f')
        digit = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
        digit = c - 'A' + 10;
    return digit < (int)base ? digit : -1;
}

/* The power of two behind a number: "", "K" to "E", with an optional "B" or "iB". */
static int unit_shift(const char *text)
{
    static const char units[] = "kmgtpe";
    unsigned shift = 0;

    for (unsigned i = 0; units[i] != '\0' && shift == 0; i++)
        if (*text == units[i] || *text == units[i] - 'a' + 'A')
            shift = 10 * (i + 1);
    if (shift != 0)
        text++;
    if (shift != 0 && text[0] == 'i' && (text[1] == 'B' || text[1] == 'b'))
        text += 2;
    else if (*text == 'B' || *text == 'b')
        text++;
    return *text == '\0' ? (int)shift : -1;
}

int parse_size(const char *text, uint64_t *bytes)
{
    unsigned base = 10;
    uint64_t value = 0;
    int digit, shift;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (digit_of(*text, base) < 0)
        return -EINVAL;
    for (; (digit = digit_of(*text, base)) >= 0; text++) {
        if (value > (UINT64_MAX - (unsigned)digit) / base)
            return -ERANGE;
        value = value * base + (unsigned)digit;
    }
    shift = unit_shift(text);
    if (shift < 0)
        return -EINVAL;
    if (shift > 0 && value >> (64 - shift) != 0)
        return -ERANGE;
    *bytes = value << shift;
    return 0;
}
