/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decimal numbers: see number.h.
 */
#include "number.h"

bool number_parse(const char *text, size_t length, uint64_t *value)
{
    size_t i = 0;

    *value = 0;
    for (; i < length && text[i] >= '0' && text[i] <= '9'; i++) {
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (uint64_t)(text[i] - '0'), value))
            return false;
    }
    if (i == 0)
        return false;
    while (i < length && text[i] == ' ')
        i++;
    return i == length;
}

bool number_parse_signed(const char *text, size_t length, int64_t *value)
{
    bool negative = length > 0 && text[0] == '-';
    uint64_t amount;

    if (!number_parse(text + negative, length - negative, &amount) || amount > INT64_MAX)
        return false;
    *value = negative ? -(int64_t)amount : (int64_t)amount;
    return true;
}

size_t number_print(char *text, uint64_t value)
{
    char digits[20];
    size_t length = 0;

    do {
        digits[length++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < length; i++)
        text[i] = digits[length - 1 - i];
    return length;
}
