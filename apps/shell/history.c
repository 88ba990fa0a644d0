/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines that were entered before: a ring.
 */
#include "history.h"
#include <string.h>

const char *history_get(const struct history *history, size_t age)
{
    if (age >= history->count)
        return NULL;
    return history->lines[(history->next + HISTORY_LINES - 1 - age) % HISTORY_LINES];
}

void history_add(struct history *history, const char *line)
{
    const char *newest = history_get(history, 0);
    char *slot = history->lines[history->next];

    if (!line[0] || (newest && strcmp(newest, line) == 0))
        return;
    strncpy(slot, line, LINE_SIZE - 1);
    slot[LINE_SIZE - 1] = '\0';
    history->next = (history->next + 1) % HISTORY_LINES;
    if (history->count < HISTORY_LINES)
        history->count++;
}
