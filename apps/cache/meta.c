/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text protocol: meta commands. A command, a key, and flags of one letter, some of them
 * with a value; the answer repeats those flags that ask for something.
 */
#include "base64.h"
#include "meta_answer.h"
#include "number.h"
#include "text.h"
#include <ctype.h>
#include <string.h>

/* ---- mg ---- */

/* Who renews the value: the first one to see that it is stale or expires soon. */
static void choose_winner(struct item *item, const struct meta *meta,
                          struct meta_before *before)
{
    bool soon = meta_has(meta, 'R') && item->expires != 0 &&
                (int64_t)item->expires - store.now < meta->recache;

    before->stale = (item->marks & ITEM_STALE) != 0;
    if (item->marks & ITEM_WON) {
        before->lost = true;
    } else if (before->won || before->stale || soon) {
        before->won = true;
        item->marks |= ITEM_WON;
    }
}

/* An empty item, for the client that asked first to fill. */
static struct item *vivify(const struct token *key, const struct meta *meta)
{
    enum result why;
    struct item *item = store_alloc(key->text, key->length, 0, &why);

    if (item) {
        item->expires = store_deadline(meta->create);
        item->cas = meta->new_cas;
        store_link(item, NULL);
    }
    return item;
}

static void get_command(struct dialog *dialog, const struct token *key, const struct meta *meta)
{
    struct item *item = store_find(key->text, key->length);
    struct meta_before before = {.won = false};

    if (item) {
        before.fetched = (item->marks & ITEM_FETCHED) != 0;
        before.idle = store.now - item->touched;
    }
    item = get_item(key->text, key->length);
    if (!item && meta_has(meta, 'N')) {
        item = vivify(key, meta);
        if (!item) {
            text_error(dialog, text_result(NO_MEMORY));
            return;
        }
        before.won = true;
    }
    if (!item) {
        if (!meta_has(meta, 'q'))
            text_error(dialog, "EN\r\n");
        return;
    }
    choose_winner(item, meta, &before);
    if (meta_has(meta, 'T'))
        (void)touch_item(key->text, key->length, store_deadline(meta->ttl));
    meta_print_item(dialog, meta, item, &before);
}

/* ---- md, ma, me ---- */

/* It stays readable, but the next reader is told to renew it. */
static enum result invalidate(const struct token *key, const struct meta *meta)
{
    struct item *item = store_find(key->text, key->length);

    if (!item)
        return NOT_FOUND;
    if (meta_has(meta, 'C') && meta->cas != item->cas)
        return EXISTS;
    if (meta_has(meta, 'T'))
        item->expires = store_deadline(meta->ttl);
    item->marks |= ITEM_STALE;
    item->marks &= (uint8_t)~ITEM_WON;
    item->cas = meta->new_cas ? meta->new_cas : store_next_cas();
    return DONE;
}

static void delete_command(struct dialog *dialog, const struct token *key,
                           const struct meta *meta)
{
    enum result result;

    if (meta_has(meta, 'I'))
        result = invalidate(key, meta);
    else
        result = delete_item(key->text, key->length, meta_has(meta, 'C') ? meta->cas : 0);
    if (!meta_has(meta, 'q') || (result != DONE && result != NOT_FOUND))
        meta_print_status(dialog, meta, result, key, NULL);
}

/* The counter is not there: make it. */
static enum result create_counter(const struct token *key, const struct meta *meta,
                                  struct item **item)
{
    char digits[20];
    size_t length = number_print(digits, meta->initial);
    enum result why;

    *item = store_alloc(key->text, key->length, length, &why);
    if (!*item)
        return why;
    memcpy(item_value(*item), digits, length);
    (*item)->expires = store_deadline(meta->create);
    (*item)->cas = meta->new_cas;
    store_link(*item, NULL);
    return DONE;
}

static void count_command(struct dialog *dialog, const struct token *key,
                          const struct meta *meta)
{
    const struct arithmetic arithmetic = {
        .decrement = meta->mode == 'D' || meta->mode == 'd' || meta->mode == '-',
        .delta = meta_has(meta, 'D') ? meta->delta : 1,
        .cas = meta_has(meta, 'C') ? meta->cas : 0,
        .new_cas = meta->new_cas,
    };
    struct item *item = NULL;
    uint64_t value;
    enum result result = count_item(key->text, key->length, &arithmetic, &item, &value);

    if (result == NOT_FOUND && meta_has(meta, 'N'))
        result = create_counter(key, meta, &item);
    if (result == DONE && meta_has(meta, 'T'))
        item->expires = store_deadline(meta->ttl);
    if (meta_has(meta, 'q') && (result == DONE || result == NOT_FOUND))
        return;
    if (result == DONE)
        meta_print_item(dialog, meta, item, NULL);
    else
        meta_print_status(dialog, meta, result, key, NULL);
}

static void describe_command(struct dialog *dialog, const struct token *key,
                             const struct meta *meta)
{
    struct item *item = store_find(key->text, key->length);

    if (!item) {
        text_error(dialog, "EN\r\n");
        return;
    }
    dialog_add(dialog, "ME ", 3);
    meta_print_key(dialog, meta, key);
    dialog_print(dialog, " exp=%lld la=%u cas=%llu fetch=%s cls=1 size=%zu\r\n",
                 item->expires ? (long long)item->expires - store.now : -1LL,
                 (unsigned)(store.now - item->touched), (unsigned long long)item->cas,
                 item->marks & ITEM_FETCHED ? "yes" : "no",
                 item_size(item->key_length, item->length));
}

/* ---- ms ---- */

static bool put_mode(char letter, enum put_mode *mode)
{
    static const char letters[] = {[PUT_SET] = 'S',
                                   [PUT_ADD] = 'E',
                                   [PUT_REPLACE] = 'R',
                                   [PUT_APPEND] = 'A',
                                   [PUT_PREPEND] = 'P'};
    const char *found = memchr(letters, toupper((unsigned char)letter), sizeof(letters));

    if (found)
        *mode = (enum put_mode)(found - letters);
    return found != NULL;
}

static void set_command(struct dialog *dialog, const struct token *key, struct meta *meta,
                        size_t length)
{
    struct session *session = session_of(dialog);
    struct put put = {
        .compare = meta_has(meta, 'C'),
        .outdate = meta_has(meta, 'I'),
        .create = meta_has(meta, 'N'),
        .cas = meta->cas,
        .new_cas = meta->new_cas,
    };
    enum result why;

    if (!put_mode(meta->mode ? meta->mode : 'S', &put.mode)) {
        text_error(dialog, "CLIENT_ERROR invalid mode for ms\r\n");
        text_skip_value(dialog, length);
        return;
    }
    session->item = store_alloc(key->text, key->length, length, &why);
    if (!session->item) {
        if (put.mode == PUT_SET && !put.compare)
            (void)delete_item(key->text, key->length, 0);
        text_error(dialog, text_result(why));
        text_skip_value(dialog, length);
        return;
    }
    session->item->flags = (uint32_t)meta->flags;
    session->item->expires = store_deadline(put.create ? meta->create : meta->ttl);
    session->put = put;
    session->meta = *meta;
    session->is_meta = true;
    text_expect_value(dialog);
}

void meta_stored(struct dialog *dialog, enum result result, const struct token *key,
                 const struct item *item)
{
    const struct meta *meta = &session_of(dialog)->meta;

    if (result != DONE || !meta_has(meta, 'q'))
        meta_print_status(dialog, meta, result, key, item);
}

/* ---- all of them ---- */

typedef void command_fn(struct dialog *dialog, const struct token *key,
                        const struct meta *meta);

static const struct {
    const char *name, *flags;
    command_fn *run; /* NULL: ms */
} commands[] = {
    {"mg", "bcfhklOqstvENRT", get_command}, {"ms", "bckqsCEFIMNOT", NULL},
    {"md", "bqkCEIOT", delete_command},     {"ma", "bckqtvCDEJMNOT", count_command},
    {"me", "b", describe_command},
};

/* The key as it is stored. Returns NULL, or what to answer when it cannot be one. */
static const char *take_key(struct token *key, const struct meta *meta, char *room)
{
    if (!meta_has(meta, 'b'))
        return key_valid(key) ? NULL : TEXT_BAD_LINE;
    key->length = base64_decode(room, KEY_MAX, key->text, key->length);
    key->text = room;
    return key->length > 0 ? NULL : "CLIENT_ERROR error decoding key\r\n";
}

static void run(struct dialog *dialog, size_t command, const struct token *tokens, size_t count)
{
    bool sets = !commands[command].run, counted = false;
    size_t flags = sets ? 3 : 2;
    const char *error = TEXT_BAD_LINE;
    uint64_t length = 0;
    char room[KEY_MAX];
    struct token key;
    struct meta meta;

    if (sets && count >= 3)
        counted =
            number_parse(tokens[2].text, tokens[2].length, &length) && length <= TEXT_VALUE_MAX;
    if (count >= flags && counted == sets) {
        key = tokens[1];
        error = meta_parse(&meta, tokens + flags, count - flags, commands[command].flags);
        if (!error)
            error = take_key(&key, &meta, room);
    }
    if (error) {
        text_error(dialog, error);
        if (counted)
            text_skip_value(dialog, (size_t)length);
    } else if (sets) {
        set_command(dialog, &key, &meta, (size_t)length);
    } else {
        commands[command].run(dialog, &key, &meta);
    }
}

bool meta_command(struct dialog *dialog, const struct token *tokens, size_t count)
{
    if (tokens[0].length != 2 || tokens[0].text[0] != 'm')
        return false;
    if (tokens[0].text[1] == 'n') {
        text_error(dialog, "MN\r\n");
        return true;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (commands[i].name[1] == tokens[0].text[1]) {
            store.counts.cmd_meta++;
            run(dialog, i, tokens, count);
            return true;
        }
    }
    return false;
}
