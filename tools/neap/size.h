/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes and small numbers as people write and read them. */
#ifndef NEAP_TOOL_SIZE_H
#define NEAP_TOOL_SIZE_H

#include "error.h"
#include <stdint.h>

#define SIZE_TEXT 24 /* room for any formatted size */

/* "64M", "8g", "4096": bytes, or with K, M, G, T powers of 1024. Returns 0 or -1. */
int size_parse(const char *text, uint64_t *bytes, struct error *error);

/* Exact where at most four digits are enough, else one decimal: 64M, 8128M, 63.1M. */
const char *size_format(char text[SIZE_TEXT], uint64_t bytes);

/* A whole number from `low` to `high`; `what` names it in the error. Returns 0 or -1. */
int number_parse(const char *text, const char *what, unsigned low, unsigned high,
                 unsigned *number, struct error *error);

#endif
