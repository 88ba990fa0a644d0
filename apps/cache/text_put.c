/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text protocol: commands with a value behind them.
 */
#include "number.h"
#include "text.h"
#include <string.h>

static const struct {
    const char *name;
    enum put_mode mode;
    bool compare;
} commands[] = {
    {"set", PUT_SET, false},         {"add", PUT_ADD, false},
    {"replace", PUT_REPLACE, false}, {"append", PUT_APPEND, false},
    {"prepend", PUT_PREPEND, false}, {"cas", PUT_SET, true},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* "KEY FLAGS EXPTIME LENGTH [CAS]" behind the command's name. Returns false on nonsense. */
static bool parse(const struct token *tokens, struct put *put, uint64_t *flags,
                  int64_t *exptime)
{
    return key_valid(&tokens[1]) && number_parse(tokens[2].text, tokens[2].length, flags) &&
           *flags <= UINT32_MAX &&
           number_parse_signed(tokens[3].text, tokens[3].length, exptime) &&
           (!put->compare || number_parse(tokens[5].text, tokens[5].length, &put->cas));
}

/* Make the item that the value is read into. */
static void start(struct dialog *dialog, const struct token *tokens, size_t length,
                  struct put *put)
{
    struct session *session = session_of(dialog);
    enum result why;
    uint64_t flags;
    int64_t exptime;

    if (!parse(tokens, put, &flags, &exptime)) {
        text_error(dialog, TEXT_BAD_LINE);
        text_skip_value(dialog, length); /* not to be taken for commands */
        return;
    }
    session->item = store_alloc(tokens[1].text, tokens[1].length, length, &why);
    if (!session->item) {
        /* Nobody shall read what was to be replaced. */
        if (put->mode == PUT_SET && !put->compare)
            (void)delete_item(tokens[1].text, tokens[1].length, 0);
        text_error(dialog, text_result(why));
        text_skip_value(dialog, length);
        return;
    }
    session->item->flags = (uint32_t)flags;
    session->item->expires = store_deadline(exptime);
    session->put = *put;
    session->is_meta = false;
    text_expect_value(dialog);
}

bool text_put(struct dialog *dialog, const struct token *tokens, size_t count)
{
    struct put put = {.mode = PUT_SET};
    uint64_t length;
    size_t i = 0;

    while (i < COMMANDS && !token_is(&tokens[0], commands[i].name))
        i++;
    if (i == COMMANDS)
        return false;
    put.mode = commands[i].mode;
    put.compare = commands[i].compare;
    count = text_take_noreply(dialog, tokens, count);
    if (count < 5u + put.compare)
        text_error(dialog, "ERROR\r\n");
    else if (count > 5u + put.compare ||
             !number_parse(tokens[4].text, tokens[4].length, &length) ||
             length > TEXT_VALUE_MAX)
        text_error(dialog, TEXT_BAD_LINE);
    else
        start(dialog, tokens, (size_t)length, &put);
    return true;
}

void text_expect_value(struct dialog *dialog)
{
    struct session *session = session_of(dialog);

    session->stage = STAGE_VALUE;
    dialog_fill(dialog, item_value(session->item), (size_t)session->item->length + 2);
}

void text_skip_value(struct dialog *dialog, size_t length)
{
    dialog_fill(dialog, NULL, length + 2);
}

enum step text_value(struct dialog *dialog)
{
    struct session *session = session_of(dialog);
    struct item *item = session->item, *stored = NULL;
    const struct token key = {item->bytes, item->key_length};
    const char *end = item_value(item) + item->length;
    enum result result;

    session->item = NULL;
    session->stage = STAGE_COMMAND;
    if (memcmp(end, "\r\n", 2) != 0) {
        if (end[1] != '\n')
            session->stage = STAGE_SKIP;
        store_release(item);
        text_error(dialog, "CLIENT_ERROR bad data chunk\r\n");
        return STEP_DONE;
    }
    item->users++; /* for its key */
    result = put_item(item, &session->put, &stored);
    if (session->is_meta)
        meta_stored(dialog, result, &key, stored);
    else if (result == TOO_LARGE || result == NO_MEMORY)
        text_error(dialog, text_result(result));
    else
        text_answer(dialog, text_result(result));
    store_release(item);
    return STEP_DONE;
}
