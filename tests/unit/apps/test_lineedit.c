/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line editor against a small terminal: what a person sees must be the line, with the
 * cursor where the next letter goes.
 */
#include "lineedit.h"
#include "unit.h"
#include <stdio.h>
#include <string.h>

#define PROMPT "> "
#define UP     "\x1b[A"
#define DOWN   "\x1b[B"
#define RIGHT  "\x1b[C"
#define LEFT   "\x1b[D"

static struct history history;
static struct lineedit edit;

/* One row of a terminal that knows CR, LF, BS and ESC [ K / H / J. */
static char row[LINE_SIZE * 2];
static size_t column;
static bool cleared;

static void terminal_escape(char final)
{
    if (final == 'K')
        memset(row + column, 0, sizeof(row) - column);
    else if (final == 'J')
        cleared = true;
}

static void terminal_show(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\r') {
            column = 0;
        } else if (bytes[i] == '\n') {
            memset(row, 0, sizeof(row));
            column = 0;
        } else if (bytes[i] == '\b') {
            CHECK(column > 0);
            column--;
        } else if (bytes[i] == '\x1b') {
            for (i += 2; i < length && bytes[i] < '@'; i++)
                ;
            terminal_escape(bytes[i]);
        } else {
            CHECK(column < sizeof(row) - 1);
            row[column++] = bytes[i];
        }
    }
}

static void start(void)
{
    edit = (struct lineedit){.prompt = PROMPT, .history = &history, .show = terminal_show};
    lineedit_start(&edit);
}

/* Type keys; returns whether the last one completed the line. */
static bool type(const char *keys)
{
    bool done = false;

    for (; *keys; keys++) {
        CHECK(!done);
        done = lineedit_key(&edit, *keys);
    }
    return done;
}

static void check_screen(const char *text, size_t cursor)
{
    char expected[sizeof(row)];

    snprintf(expected, sizeof(expected), PROMPT "%s", text);
    if (strcmp(edit.text, text) != 0 || strcmp(row, expected) != 0)
        unit_fail(__FILE__, __LINE__, "expected '%s', line is '%s', screen shows '%s'", text,
                  edit.text, row);
    CHECK_EQ(edit.length, strlen(text));
    CHECK_EQ(column, strlen(PROMPT) + cursor);
}

static void enter(const char *line)
{
    start();
    type(line);
    CHECK(type("\n"));
}

TEST(lineedit_typed_text_completes_with_enter)
{
    start();
    CHECK(!type("mem"));
    check_screen("mem", 3);
    CHECK(type("\r"));
    CHECK(strcmp(edit.text, "mem") == 0);
}

TEST(lineedit_moves_and_inserts)
{
    start();
    type("ac" LEFT "b");
    check_screen("abc", 2);
    type("\x01>");
    check_screen(">abc", 1);
    type("\x05<");
    check_screen(">abc<", 5);
    type(RIGHT LEFT LEFT RIGHT "x");
    check_screen(">abcx<", 5);
    type("\x1b[H" LEFT "1\x1b[F2\x1b[1~0\x1b[4~3\x1bOH-");
    check_screen("-01>abcx<23", 1);
}

TEST(lineedit_deletes)
{
    start();
    type("one two  three");
    type("\x17"); /* Ctrl-W */
    check_screen("one two  ", 9);
    type("\x17");
    check_screen("one ", 4);
    type("\x7f\b");
    check_screen("on", 2);
    type("\x01\x1b[3~");
    check_screen("n", 0);
    type("\x04\x04\x7f\x1b[3~");
    check_screen("", 0);
    type("abcdef" LEFT LEFT LEFT "\x0b"); /* Ctrl-K */
    check_screen("abc", 3);
    type(LEFT "\x15"); /* Ctrl-U */
    check_screen("c", 0);
}

TEST(lineedit_interrupt_starts_afresh)
{
    start();
    type("half\x03");
    check_screen("", 0);
    CHECK(history_get(&history, 0) == NULL);
}

TEST(lineedit_clears_the_screen)
{
    start();
    type("mem" LEFT "\x0c");
    CHECK(cleared);
    CHECK_EQ(edit.cursor, 2);
}

TEST(lineedit_ignores_unknown_keys)
{
    start();
    type("a\x1b[5~\x1b[200~\x1b[Z\x1bq\x02\x07\xc3\xa4\t"
         "b");
    check_screen("ab", 2);
}

TEST(lineedit_full_line_takes_no_more)
{
    start();
    for (int i = 0; i < LINE_SIZE + 50; i++)
        type("x");
    CHECK_EQ(edit.length, LINE_SIZE - 1);
    type("\x01y");
    CHECK_EQ(edit.text[0], 'x');
    CHECK(type("\n"));
}

TEST(lineedit_browses_history_and_keeps_the_draft)
{
    enter("first");
    enter("second");
    start();
    type("dra");
    type(UP);
    check_screen("second", 6);
    type(UP UP UP);
    check_screen("first", 5);
    type("!" DOWN);
    check_screen("second", 6);
    type(DOWN DOWN);
    check_screen("dra", 3);
    type("ft");
    check_screen("draft", 5);
}

TEST(history_drops_repeats_and_the_oldest)
{
    char line[32];

    history_add(&history, "");
    CHECK(history_get(&history, 0) == NULL);
    for (int i = 0; i < HISTORY_LINES + 3; i++) {
        snprintf(line, sizeof(line), "line %d", i);
        history_add(&history, line);
        history_add(&history, line);
    }
    CHECK_EQ(history.count, HISTORY_LINES);
    CHECK(strcmp(history_get(&history, 0), line) == 0);
    CHECK(strcmp(history_get(&history, HISTORY_LINES - 1), "line 3") == 0);
    CHECK(history_get(&history, HISTORY_LINES) == NULL);
}

TEST(lineedit_random_keys_keep_screen_and_line_equal)
{
    static const char *keys[] = {"a",    "b",    " ",    LEFT,   RIGHT, UP,     DOWN,
                                 "\x01", "\x05", "\x0b", "\x15", "\b",  "\x17", "\x1b[3~"};
    char line[LINE_SIZE];

    enter("earlier");
    start();
    for (int i = 0; i < 20000; i++) {
        if (edit.length > 40)
            type("\x15\x0b");
        type(keys[unit_random_below(ARRAY_SIZE(keys))]);
        CHECK(edit.cursor <= edit.length);
        strcpy(line, edit.text);
        check_screen(line, edit.cursor);
    }
}
