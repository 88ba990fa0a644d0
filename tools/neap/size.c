/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes and small numbers as people write and read them. */
#include "size.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_LIMIT 10000

static const char units[] = "BKMGT";

/* strtoull() would take signs and spaces. */
static bool digits_parse(const char *text, char **end, uint64_t *number)
{
    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    *number = strtoull(text, end, 10);
    return errno == 0;
}

int size_parse(const char *text, uint64_t *bytes, struct error *error)
{
    const char *unit = NULL;
    unsigned shift = 0;
    uint64_t number;
    char *end;

    if (!digits_parse(text, &end, &number))
        return error_set(error,
                         "'%s' is no size: write a whole number with K, M, G or T, "
                         "such as 64M",
                         text);
    if (*end)
        unit = strchr(units + 1, toupper((unsigned char)*end));
    if (unit) {
        shift = 10 * (unsigned)(unit - units);
        end++;
    }
    if (*end)
        return error_set(error,
                         "'%s' is no size: write a whole number with K, M, G or T, "
                         "such as 1536M",
                         text);
    if (number > UINT64_MAX >> shift)
        return error_set(error, "'%s' is larger than any memory", text);
    *bytes = number << shift;
    return 0;
}

const char *size_format(char text[SIZE_TEXT], uint64_t bytes)
{
    unsigned unit = 0;

    while (units[unit + 1] && bytes >> (10 * (unit + 1)))
        unit++;
    for (int exact = (int)unit; exact >= 0 && bytes >> (10 * exact) < EXACT_LIMIT; exact--) {
        if (bytes & ((UINT64_C(1) << (10 * exact)) - 1))
            continue;
        snprintf(text, SIZE_TEXT, "%" PRIu64 "%.1s", bytes >> (10 * exact),
                 exact ? &units[exact] : "");
        return text;
    }
    snprintf(text, SIZE_TEXT, "%.1f%c", (double)bytes / (double)(UINT64_C(1) << (10 * unit)),
             units[unit]);
    return text;
}

int number_parse(const char *text, const char *what, unsigned low, unsigned high,
                 unsigned *number, struct error *error)
{
    uint64_t value;
    char *end;

    if (!digits_parse(text, &end, &value) || *end || value < low || value > high)
        return error_set(error, "%s is '%s': give a whole number from %u to %u", what, text,
                         low, high);
    *number = (unsigned)value;
    return 0;
}
