/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decimal numbers that do not end with a zero byte.
 */
#ifndef CACHE_NUMBER_H
#define CACHE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of the text must be digits, and the number fit. Blanks behind them are allowed. */
bool number_parse(const char *text, size_t length, uint64_t *value);

/* The same with a sign before it. */
bool number_parse_signed(const char *text, size_t length, int64_t *value);

/* At most 20 digits. Returns how many. */
size_t number_print(char *text, uint64_t value);

#endif
