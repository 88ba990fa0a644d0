/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flags of a meta command: see meta.h.
 */
#include "meta.h"
#include "number.h"
#include <string.h>

bool meta_has(const struct meta *meta, char letter)
{
    return strchr(meta->order, letter) != NULL;
}

static bool parse_opaque(struct meta *meta, const char *text, size_t length)
{
    if (length > OPAQUE_MAX)
        return false;
    memcpy(meta->opaque, text, length);
    return true;
}

/* What stands behind the letter. */
static bool parse_value(struct meta *meta, char letter, const char *text, size_t length)
{
    switch (letter) {
    case 'C':
        return number_parse(text, length, &meta->cas);
    case 'E':
        return number_parse(text, length, &meta->new_cas);
    case 'D':
        return number_parse(text, length, &meta->delta);
    case 'J':
        return number_parse(text, length, &meta->initial);
    case 'F':
        return number_parse(text, length, &meta->flags) && meta->flags <= UINT32_MAX;
    case 'T':
        return number_parse_signed(text, length, &meta->ttl);
    case 'N':
        return number_parse_signed(text, length, &meta->create);
    case 'R':
        return number_parse_signed(text, length, &meta->recache);
    case 'M':
        meta->mode = length == 1 ? text[0] : '?';
        return true;
    case 'O':
        return parse_opaque(meta, text, length);
    default:
        return true;
    }
}

const char *meta_parse(struct meta *meta, const struct token *tokens, size_t count,
                       const char *allowed)
{
    *meta = (struct meta){.mode = 0};
    if (count > META_FLAGS)
        return "CLIENT_ERROR options flags are too long\r\n";
    for (size_t i = 0; i < count; i++) {
        char letter = tokens[i].text[0];

        if (letter == '\0' || !strchr(allowed, letter))
            return "CLIENT_ERROR invalid flag\r\n";
        if (meta_has(meta, letter))
            return "CLIENT_ERROR duplicate flag\r\n";
        if (!parse_value(meta, letter, tokens[i].text + 1, tokens[i].length - 1))
            return "CLIENT_ERROR bad token in command line format\r\n";
        meta->order[i] = letter;
    }
    return NULL;
}
