/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text protocol: answers to meta commands.
 */
#include "meta_answer.h"
#include "base64.h"
#include "text.h"

void meta_print_key(struct dialog *dialog, const struct meta *meta, const struct token *key)
{
    char coded[BASE64_LENGTH(KEY_MAX)];

    if (meta_has(meta, 'b'))
        dialog_add(dialog, coded, base64_encode(coded, key->text, key->length));
    else
        dialog_add(dialog, key->text, key->length);
}

/* Flags that ask about the item. */
static void print_figure(struct dialog *dialog, char flag, const struct item *item,
                         const struct meta_before *before)
{
    int64_t left = (int64_t)item->expires - store.now;

    if (flag == 'c')
        dialog_print(dialog, " c%llu", (unsigned long long)item->cas);
    else if (flag == 'f')
        dialog_print(dialog, " f%u", (unsigned)item->flags);
    else if (flag == 's')
        dialog_print(dialog, " s%u", (unsigned)item->length);
    else if (flag == 't')
        dialog_print(dialog, " t%lld", item->expires == 0 ? -1LL : left > 0 ? left : 0LL);
    else if (flag == 'h' && before)
        dialog_print(dialog, " h%d", before->fetched);
    else if (flag == 'l' && before)
        dialog_print(dialog, " l%u", (unsigned)before->idle);
}

static void print_flag(struct dialog *dialog, const struct meta *meta, char flag,
                       const struct token *key, const struct item *item,
                       const struct meta_before *before)
{
    if (flag == 'O') {
        dialog_print(dialog, " O%s", meta->opaque);
    } else if (flag == 'k') {
        dialog_add(dialog, " k", 2);
        meta_print_key(dialog, meta, key);
        if (meta_has(meta, 'b'))
            dialog_add(dialog, " b", 2);
    } else if (item) {
        print_figure(dialog, flag, item, before);
    }
}

/* Every flag that asks, then what the client should know about the item. */
static void print_flags(struct dialog *dialog, const struct meta *meta, const struct token *key,
                        const struct item *item, const struct meta_before *before)
{
    for (const char *flag = meta->order; *flag; flag++)
        print_flag(dialog, meta, *flag, key, item, before);
    if (before && before->lost)
        dialog_add(dialog, " Z", 2);
    if (before && before->stale)
        dialog_add(dialog, " X", 2);
    if (before && before->won)
        dialog_add(dialog, " W", 2);
    dialog_add(dialog, "\r\n", 2);
}

void meta_print_status(struct dialog *dialog, const struct meta *meta, enum result result,
                       const struct token *key, const struct item *item)
{
    static const char *const codes[] = {
        [DONE] = "HD", [NOT_FOUND] = "NF", [NOT_STORED] = "NS", [EXISTS] = "EX"};

    if (result > EXISTS) {
        text_error(dialog, text_result(result));
        return;
    }
    dialog_add(dialog, codes[result], 2);
    print_flags(dialog, meta, key, item, NULL);
}

void meta_print_item(struct dialog *dialog, const struct meta *meta, struct item *item,
                     const struct meta_before *before)
{
    const struct token key = {item->bytes, item->key_length};

    if (!meta_has(meta, 'v')) {
        dialog_add(dialog, "HD", 2);
        print_flags(dialog, meta, &key, item, before);
        return;
    }
    dialog_print(dialog, "VA %u", (unsigned)item->length);
    print_flags(dialog, meta, &key, item, before);
    item->users++;
    dialog_body(dialog, item_value(item), (size_t)item->length + 2, store_release, item);
}
