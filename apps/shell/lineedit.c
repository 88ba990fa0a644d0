/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Editing one line on a terminal. Text at the end of the line is echoed as it is typed;
 * every other change draws the whole line again.
 */
#include "lineedit.h"
#include <string.h>

#define CTRL(letter) ((letter)&0x1f)
#define KEY_ESCAPE   0x1b
#define KEY_DELETE   0x7f

static void show(struct lineedit *edit, const char *text)
{
    edit->show(text, strlen(text));
}

static void redraw(struct lineedit *edit)
{
    show(edit, "\r");
    show(edit, edit->prompt);
    show(edit, edit->text);
    show(edit, "\x1b[K"); /* clear what an earlier, longer line left */
    for (size_t i = edit->cursor; i < edit->length; i++)
        show(edit, "\b");
}

static void move_to(struct lineedit *edit, size_t cursor)
{
    edit->cursor = cursor;
    redraw(edit);
}

/* Remove the bytes [start, end) and leave the cursor at `start`. */
static void cut(struct lineedit *edit, size_t start, size_t end)
{
    memmove(edit->text + start, edit->text + end, edit->length - end + 1);
    edit->length -= end - start;
    move_to(edit, start);
}

static void insert(struct lineedit *edit, char c)
{
    if (edit->length + 1 >= sizeof(edit->text))
        return;
    memmove(edit->text + edit->cursor + 1, edit->text + edit->cursor,
            edit->length - edit->cursor + 1);
    edit->text[edit->cursor++] = c;
    edit->length++;
    if (edit->cursor == edit->length)
        edit->show(&c, 1);
    else
        redraw(edit);
}

static void replace(struct lineedit *edit, const char *text)
{
    edit->length = strlen(text);
    memmove(edit->text, text, edit->length + 1);
    move_to(edit, edit->length);
}

/* Show the history line `browsing` - 1, or the draft for 0. */
static void browse(struct lineedit *edit, size_t browsing)
{
    const char *line = browsing ? history_get(edit->history, browsing - 1) : edit->draft;

    if (!line)
        return;
    if (edit->browsing == 0)
        memcpy(edit->draft, edit->text, sizeof(edit->draft));
    edit->browsing = browsing;
    replace(edit, line);
}

static void older(struct lineedit *edit)
{
    browse(edit, edit->browsing + 1);
}

static void newer(struct lineedit *edit)
{
    if (edit->browsing > 0)
        browse(edit, edit->browsing - 1);
}

static size_t word_start(const struct lineedit *edit)
{
    size_t start = edit->cursor;

    while (start > 0 && edit->text[start - 1] == ' ')
        start--;
    while (start > 0 && edit->text[start - 1] != ' ')
        start--;
    return start;
}

static void edit_left(struct lineedit *edit)
{
    if (edit->cursor > 0)
        move_to(edit, edit->cursor - 1);
}

static void edit_right(struct lineedit *edit)
{
    if (edit->cursor < edit->length)
        move_to(edit, edit->cursor + 1);
}

static void delete_here(struct lineedit *edit)
{
    if (edit->cursor < edit->length)
        cut(edit, edit->cursor, edit->cursor + 1);
}

static void delete_before(struct lineedit *edit)
{
    if (edit->cursor > 0)
        cut(edit, edit->cursor - 1, edit->cursor);
}

/* The last byte of a sequence ESC [ ... or ESC O ... */
static void escape_final(struct lineedit *edit, char key)
{
    switch (key) {
    case 'A':
        older(edit);
        break;
    case 'B':
        newer(edit);
        break;
    case 'C':
        edit_right(edit);
        break;
    case 'D':
        edit_left(edit);
        break;
    case 'H':
        move_to(edit, 0);
        break;
    case 'F':
        move_to(edit, edit->length);
        break;
    case '~': /* keys that are numbered: which number means what depends on the terminal */
        if (edit->parameter == 1 || edit->parameter == 7)
            move_to(edit, 0);
        else if (edit->parameter == 4 || edit->parameter == 8)
            move_to(edit, edit->length);
        else if (edit->parameter == 3)
            delete_here(edit);
        break;
    default: /* a key that means nothing here */
        break;
    }
}

static void escape_key(struct lineedit *edit, char key)
{
    if (edit->escape == ESCAPE_STARTED) {
        edit->escape = key == '[' || key == 'O' ? ESCAPE_BRACKET : ESCAPE_NONE;
        edit->parameter = 0;
    } else if (key >= '0' && key <= '9') {
        if (edit->parameter < 100)
            edit->parameter = edit->parameter * 10 + (unsigned)(key - '0');
    } else if (key >= '@' && key <= '~') {
        edit->escape = ESCAPE_NONE;
        escape_final(edit, key);
    }
}

static void control_key(struct lineedit *edit, char key)
{
    switch (key) {
    case CTRL('A'):
        move_to(edit, 0);
        break;
    case CTRL('C'): /* drop the line, keep it visible */
        show(edit, "^C\n");
        lineedit_start(edit);
        break;
    case CTRL('D'):
        delete_here(edit);
        break;
    case CTRL('E'):
        move_to(edit, edit->length);
        break;
    case CTRL('H'):
    case KEY_DELETE:
        delete_before(edit);
        break;
    case CTRL('K'):
        cut(edit, edit->cursor, edit->length);
        break;
    case CTRL('L'):
        show(edit, "\x1b[H\x1b[2J");
        redraw(edit);
        break;
    case CTRL('U'):
        cut(edit, 0, edit->cursor);
        break;
    case CTRL('W'):
        cut(edit, word_start(edit), edit->cursor);
        break;
    default: /* no meaning */
        break;
    }
}

void lineedit_start(struct lineedit *edit)
{
    edit->text[0] = '\0';
    edit->length = 0;
    edit->cursor = 0;
    edit->browsing = 0;
    edit->escape = ESCAPE_NONE;
    show(edit, edit->prompt);
}

bool lineedit_key(struct lineedit *edit, char key)
{
    if (edit->escape != ESCAPE_NONE) {
        escape_key(edit, key);
    } else if (key == '\n' || key == '\r') {
        show(edit, "\n");
        history_add(edit->history, edit->text);
        return true;
    } else if (key == KEY_ESCAPE) {
        edit->escape = ESCAPE_STARTED;
    } else if (key >= ' ' && key < KEY_DELETE) {
        insert(edit, key);
    } else {
        control_key(edit, key);
    }
    return false;
}
