/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Editing one line on a terminal, a key at a time.
 */
#ifndef SHELL_LINEEDIT_H
#define SHELL_LINEEDIT_H

#include "history.h"
#include <stdbool.h>

/* How far an escape sequence has come. */
enum escape_state { ESCAPE_NONE, ESCAPE_STARTED, ESCAPE_BRACKET };

struct lineedit {
    const char *prompt;
    struct history *history;
    /* Shows bytes on the terminal. */
    void (*show)(const char *bytes, size_t length);
    char text[LINE_SIZE]; /* always terminated */
    size_t length;
    size_t cursor;
    size_t browsing;       /* 0: the line being typed, n: history line n - 1 */
    char draft[LINE_SIZE]; /* the line being typed, while history is shown */
    enum escape_state escape;
    unsigned parameter; /* the number in an escape sequence */
};

/* Start a new line: shows the prompt. prompt, history and show are set by the caller. */
void lineedit_start(struct lineedit *edit);

/* Handle one byte from the terminal. Returns true when the line in `text` is complete. */
bool lineedit_key(struct lineedit *edit, char key);

#endif
