/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcached's text protocol: lines, and values behind some of them.
 */
#include "text.h"
#include "number.h"
#include <string.h>

void text_error(struct dialog *dialog, const char *line)
{
    dialog_add(dialog, line, strlen(line));
}

void text_answer(struct dialog *dialog, const char *line)
{
    if (!session_of(dialog)->quiet)
        text_error(dialog, line);
}

const char *text_result(enum result result)
{
    static const char *const words[] = {
        [DONE] = "STORED\r\n",
        [NOT_FOUND] = "NOT_FOUND\r\n",
        [NOT_STORED] = "NOT_STORED\r\n",
        [EXISTS] = "EXISTS\r\n",
        [TOO_LARGE] = "SERVER_ERROR object too large for cache\r\n",
        [NO_MEMORY] = "SERVER_ERROR out of memory storing object\r\n",
        [NOT_A_NUMBER] = "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n",
    };

    return words[result];
}

bool key_valid(const struct token *key)
{
    for (size_t i = 0; i < key->length; i++) {
        if ((unsigned char)key->text[i] <= ' ' || key->text[i] == 0x7f)
            return false;
    }
    return key->length > 0 && key->length <= KEY_MAX;
}

bool token_is(const struct token *token, const char *word)
{
    return token->length == strlen(word) && memcmp(token->text, word, token->length) == 0;
}

size_t text_split(const char *line, size_t length, struct token *tokens)
{
    const char *end = line + length;
    size_t count = 0;

    while (line < end) {
        const char *blank = memchr(line, ' ', (size_t)(end - line));
        size_t size = (size_t)((blank ? blank : end) - line);

        if (size > 0) {
            if (count == TOKEN_MAX)
                return TOKEN_MAX + 1;
            tokens[count++] = (struct token){line, size};
        }
        line += size + 1;
    }
    return count;
}

size_t text_take_noreply(struct dialog *dialog, const struct token *tokens, size_t count)
{
    struct session *session = session_of(dialog);

    session->quiet = count > 1 && token_is(&tokens[count - 1], "noreply");
    return count - session->quiet;
}

/* ---- commands ---- */

static void delete_command(struct dialog *dialog, const struct token *tokens, size_t count)
{
    enum result result;

    if (count > 3 || (count == 3 && !token_is(&tokens[2], "0"))) {
        text_error(dialog, "CLIENT_ERROR bad command line format.  "
                           "Usage: delete <key> [noreply]\r\n");
        return;
    }
    result = delete_item(tokens[1].text, tokens[1].length, 0);
    text_answer(dialog, result == DONE ? "DELETED\r\n" : text_result(result));
}

static void count_command(struct dialog *dialog, const struct token *tokens, size_t count)
{
    struct arithmetic arithmetic = {.decrement = token_is(&tokens[0], "decr")};
    enum result result;
    struct item *item;
    uint64_t value;

    (void)count;
    if (!number_parse(tokens[2].text, tokens[2].length, &arithmetic.delta)) {
        text_error(dialog, "CLIENT_ERROR invalid numeric delta argument\r\n");
        return;
    }
    result = count_item(tokens[1].text, tokens[1].length, &arithmetic, &item, &value);
    if (result == NOT_FOUND)
        text_answer(dialog, text_result(result));
    else if (result != DONE)
        text_error(dialog, text_result(result));
    else if (!session_of(dialog)->quiet)
        dialog_print(dialog, "%llu\r\n", (unsigned long long)value);
}

static void touch_command(struct dialog *dialog, const struct token *tokens, size_t count)
{
    int64_t exptime;

    (void)count;
    if (!number_parse_signed(tokens[2].text, tokens[2].length, &exptime))
        text_error(dialog, "CLIENT_ERROR invalid exptime argument\r\n");
    else if (touch_item(tokens[1].text, tokens[1].length, store_deadline(exptime)))
        text_answer(dialog, "TOUCHED\r\n");
    else
        text_answer(dialog, text_result(NOT_FOUND));
}

static void flush_command(struct dialog *dialog, const struct token *tokens, size_t count)
{
    int64_t delay = 0;

    if (count > 1 && !number_parse_signed(tokens[1].text, tokens[1].length, &delay)) {
        text_error(dialog, "CLIENT_ERROR invalid exptime argument\r\n");
        return;
    }
    store_flush(delay <= 0 ? 0 : delay > UINT32_MAX ? UINT32_MAX : (uint32_t)delay);
    text_answer(dialog, "OK\r\n");
}

static void print_statistic(void *arg, const char *name, const char *value)
{
    dialog_print(arg, "STAT %s %s\r\n", name, value);
}

static void stats_command(struct dialog *dialog, const struct token *tokens, size_t count)
{
    const struct token general = {"", 0};

    if (count > 1 && token_is(&tokens[1], "reset")) {
        store.counts = (struct store_counts){0};
        text_error(dialog, "RESET\r\n");
    } else if (!session_of(dialog)->quiet &&
               statistics(count > 1 ? &tokens[1] : &general, print_statistic, dialog)) {
        text_error(dialog, "END\r\n");
    } else {
        text_error(dialog, "ERROR\r\n");
    }
}

static void version_command(struct dialog *dialog, const struct token *tokens, size_t count)
{
    (void)tokens, (void)count;
    text_error(dialog, "VERSION " CACHE_VERSION "\r\n");
}

static void verbosity_command(struct dialog *dialog, const struct token *tokens, size_t count)
{
    uint64_t level;

    if (count > 1 && !number_parse(tokens[1].text, tokens[1].length, &level))
        text_error(dialog, TEXT_BAD_LINE);
    else
        text_answer(dialog, count > 1 ? "OK\r\n" : "ERROR\r\n");
}

/* Mebibytes. */
static void limit_command(struct dialog *dialog, const struct token *tokens, size_t count)
{
    uint64_t limit;

    (void)count;
    if (!number_parse(tokens[1].text, tokens[1].length, &limit) || limit == 0 ||
        limit > SIZE_MAX >> 20) {
        text_error(dialog, TEXT_BAD_LINE);
        return;
    }
    cache_limit((size_t)limit << 20);
    text_answer(dialog, "OK\r\n");
}

static void quit_command(struct dialog *dialog, const struct token *tokens, size_t count)
{
    (void)tokens, (void)count;
    dialog_close(dialog);
}

static const struct {
    const char *name;
    size_t least, most; /* words */
    bool has_key;
    void (*run)(struct dialog *dialog, const struct token *tokens, size_t count);
} commands[] = {
    {"delete", 2, TOKEN_MAX, true, delete_command},
    {"incr", 3, 3, true, count_command},
    {"decr", 3, 3, true, count_command},
    {"touch", 3, 3, true, touch_command},
    {"flush_all", 1, 2, false, flush_command},
    {"stats", 1, TOKEN_MAX, false, stats_command},
    {"version", 1, TOKEN_MAX, false, version_command},
    {"verbosity", 1, 2, false, verbosity_command},
    {"cache_memlimit", 2, 2, false, limit_command},
    {"quit", 1, TOKEN_MAX, false, quit_command},
};

static void run_line(struct dialog *dialog, const char *line, size_t length)
{
    struct token tokens[TOKEN_MAX];
    size_t count = text_split(line, length, tokens);

    session_of(dialog)->quiet = false;
    if (count == 0 || count > TOKEN_MAX) {
        text_error(dialog, "ERROR\r\n");
        return;
    }
    if (text_put(dialog, tokens, count) || meta_command(dialog, tokens, count))
        return;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (!token_is(&tokens[0], commands[i].name))
            continue;
        count = text_take_noreply(dialog, tokens, count);
        if (count < commands[i].least || count > commands[i].most)
            break;
        if (commands[i].has_key && !key_valid(&tokens[1]))
            text_error(dialog, TEXT_BAD_LINE);
        else
            commands[i].run(dialog, tokens, count);
        return;
    }
    text_error(dialog, "ERROR\r\n");
}

static enum step skip_step(struct dialog *dialog, const char *input, size_t length)
{
    const char *end = memchr(input, '\n', length);

    if (end)
        session_of(dialog)->stage = STAGE_COMMAND;
    dialog_take(dialog, end ? (size_t)(end - input) + 1 : length);
    return end ? STEP_DONE : STEP_MORE;
}

static enum step command_step(struct dialog *dialog, const char *input, size_t length)
{
    const char *end;

    if (text_get(dialog, input, length))
        return STEP_DONE;
    end = memchr(input, '\n', length);
    if (!end && length < TEXT_LINE_MAX)
        return STEP_MORE;
    if (!end || end - input >= TEXT_LINE_MAX) {
        text_error(dialog, "CLIENT_ERROR line too long\r\n");
        dialog_close(dialog);
        return STEP_DONE;
    }
    dialog_take(dialog, (size_t)(end - input) + 1);
    run_line(dialog, input, (size_t)(end - input) - (end > input && end[-1] == '\r'));
    return STEP_DONE;
}

enum step text_step(struct dialog *dialog)
{
    size_t length;
    const char *input = dialog_input(dialog, &length);

    switch (session_of(dialog)->stage) {
    case STAGE_VALUE:
        return text_value(dialog);
    case STAGE_KEYS:
        return text_keys(dialog);
    case STAGE_SKIP:
        return skip_step(dialog, input, length);
    default:
        return command_step(dialog, input, length);
    }
}
