/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers to meta commands.
 */
#ifndef CACHE_META_ANSWER_H
#define CACHE_META_ANSWER_H

#include "operation.h"
#include "session.h"

/* A key, in base 64 if the command's was. */
void meta_print_key(struct dialog *dialog, const struct meta *meta, const struct token *key);

/* What it came to. The item, which may be NULL, answers those flags that ask about one. */
void meta_print_status(struct dialog *dialog, const struct meta *meta, enum result result,
                       const struct token *key, const struct item *item);

/* The value, if it is wanted; else only that it is there. `before` may be NULL. */
void meta_print_item(struct dialog *dialog, const struct meta *meta, struct item *item,
                     const struct meta_before *before);

#endif
