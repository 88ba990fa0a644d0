/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines that were entered before, newest first.
 */
#ifndef SHELL_HISTORY_H
#define SHELL_HISTORY_H

#include <stddef.h>

#define HISTORY_LINES 32
#define LINE_SIZE     256 /* longest line, with its terminator */

struct history {
    char lines[HISTORY_LINES][LINE_SIZE];
    size_t next;  /* where the next line goes */
    size_t count; /* lines kept */
};

/* Keep a line, unless it is empty or the same as the newest. The oldest makes room. */
void history_add(struct history *history, const char *line);

/* The line entered `age` lines ago (0: the newest), NULL when there is none. */
const char *history_get(const struct history *history, size_t age);

#endif
