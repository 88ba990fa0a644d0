/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One client of the cache: what its protocol has to remember between two steps. What the files
 * of the protocols share.
 */
#ifndef CACHE_SESSION_H
#define CACHE_SESSION_H

#include "../lib/dialog.h"
#include "meta.h"
#include "operation.h"

#define CACHE_VERSION "1.6.0-neap" /* clients ask for the protocol's version */

enum stage {
    STAGE_COMMAND,
    STAGE_KEYS,  /* of a get */
    STAGE_VALUE, /* comes into `item` */
    STAGE_SKIP,  /* the rest of a line */
};

struct session {
    /* What the first byte was: decides about the protocol. */
    enum { PROTOCOL_NEW, PROTOCOL_TEXT, PROTOCOL_BINARY } protocol;
    enum stage stage;
    /* for STAGE_KEYS */
    bool with_cas, touches, any_key;
    uint32_t deadline;
    /* for STAGE_VALUE: STORED or its like, or nothing with `quiet` */
    struct item *item;
    struct put put;
    bool quiet;
    bool is_meta;
    struct meta meta;
    /* of a binary request */
    uint8_t opcode;
    uint32_t opaque;
};

static inline struct session *session_of(struct dialog *dialog)
{
    return dialog->state;
}

#define BINARY_REQUEST 0x80 /* the first byte of a binary request, never of a line */

enum step text_step(struct dialog *dialog);
enum step binary_step(struct dialog *dialog);

/* Every figure of a group ("" for the general ones). Returns false: there is no such group. */
typedef void statistic_fn(void *arg, const char *name, const char *value);
bool statistics(const struct token *group, statistic_fn *each, void *arg);

/* Change the limit in bytes, as a command wants it. */
void cache_limit(size_t limit);

#endif
