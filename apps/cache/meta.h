/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flags of a meta command.
 */
#ifndef CACHE_META_H
#define CACHE_META_H

#include "item.h"

#define META_FLAGS 20
#define OPAQUE_MAX 32

struct token {
    const char *text;
    size_t length;
};

struct meta {
    char order[META_FLAGS + 1]; /* their letters, as they came: answers have the same order */
    char opaque[OPAQUE_MAX + 1];
    char mode;        /* M; 0: not given */
    uint64_t cas;     /* C */
    uint64_t new_cas; /* E; 0: not given */
    uint64_t delta;   /* D */
    uint64_t initial; /* J */
    uint64_t flags;   /* F */
    int64_t ttl;      /* T */
    int64_t create;   /* N */
    int64_t recache;  /* R */
};

bool meta_has(const struct meta *meta, char letter);

/* Parse flags, each of which must be one of `allowed`. Returns NULL, or what to answer. */
const char *meta_parse(struct meta *meta, const struct token *tokens, size_t count,
                       const char *allowed);

/* What a reader is told about how the item was before, and who is to renew it. */
struct meta_before {
    bool fetched;
    uint32_t idle; /* seconds since its last use */
    bool won, lost, stale;
};

#endif
