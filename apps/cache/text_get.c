/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text protocol: get, gets, gat, gats.
 */
#include "number.h"
#include "text.h"
#include <string.h>

bool text_get(struct dialog *dialog, const char *input, size_t length)
{
    struct session *session = session_of(dialog);
    const char *line = memchr(input, '\n', length);
    struct token tokens[TOKEN_MAX];
    const char *blank = memchr(input, ' ', length);
    size_t used = blank ? (size_t)(blank - input) : 0, count;
    struct token verb = {input, used};
    int64_t exptime = 0;

    session->touches = token_is(&verb, "gat") || token_is(&verb, "gats");
    session->with_cas = token_is(&verb, "gets") || token_is(&verb, "gats");
    if (!session->touches && !session->with_cas && !token_is(&verb, "get"))
        return false;
    if (session->touches) {
        blank = memchr(input + used + 1, ' ', length - used - 1);
        if (!blank || (line && line < blank))
            return false;
        count = text_split(input, (size_t)(blank - input), tokens);
        if (count != 2 || !number_parse_signed(tokens[1].text, tokens[1].length, &exptime)) {
            text_error(dialog, "CLIENT_ERROR invalid exptime argument\r\n");
            session->stage = STAGE_SKIP;
            return true;
        }
        used = (size_t)(blank - input);
    }
    session->deadline = store_deadline(exptime);
    session->any_key = false;
    session->stage = STAGE_KEYS;
    dialog_take(dialog, used + 1);
    return true;
}

static void answer_key(struct dialog *dialog, const struct token *key)
{
    struct session *session = session_of(dialog);
    struct item *item = get_item(key->text, key->length);

    if (session->touches && item)
        item = touch_item(key->text, key->length, session->deadline);
    if (!item)
        return;
    dialog_add(dialog, "VALUE ", 6);
    dialog_add(dialog, key->text, key->length);
    dialog_print(dialog, " %u %u", (unsigned)item->flags, (unsigned)item->length);
    if (session->with_cas)
        dialog_print(dialog, " %llu", (unsigned long long)item->cas);
    dialog_add(dialog, "\r\n", 2);
    item->users++;
    dialog_body(dialog, item_value(item), (size_t)item->length + 2, store_release, item);
}

enum step text_keys(struct dialog *dialog)
{
    struct session *session = session_of(dialog);
    size_t length, start = 0, end;
    const char *input = dialog_input(dialog, &length);
    struct token key;

    while (start < length && input[start] == ' ')
        start++;
    for (end = start; end < length && input[end] != ' ' && input[end] != '\n'; end++)
        ;
    if (end == length && end - start <= KEY_MAX + 1) {
        dialog_take(dialog, start);
        return STEP_MORE;
    }
    key = (struct token){input + start, end - start};
    if (key.length > 0 && end < length && input[end] == '\n' && input[end - 1] == '\r')
        key.length--;
    if (key.length > 0 && !key_valid(&key)) {
        text_error(dialog, TEXT_BAD_LINE);
        session->stage = STAGE_SKIP;
    } else if (key.length > 0) {
        answer_key(dialog, &key);
        session->any_key = true;
    }
    if (session->stage == STAGE_KEYS && input[end] == '\n' && key.length == 0) {
        text_error(dialog, session->any_key ? "END\r\n" : "ERROR\r\n");
        session->stage = STAGE_COMMAND;
        end++;
    }
    dialog_take(dialog, end); /* the line's end comes again, with no key before it */
    return STEP_DONE;
}
