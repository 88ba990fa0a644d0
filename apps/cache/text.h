/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the text protocol share.
 */
#ifndef CACHE_TEXT_H
#define CACHE_TEXT_H

#include "session.h"

#define TEXT_LINE_MAX  2048 /* of a command; keys of a get are taken one by one */
#define TEXT_BAD_LINE  "CLIENT_ERROR bad command line format\r\n"
#define TOKEN_MAX      24
#define TEXT_VALUE_MAX 0x7ffffff0u /* longer lengths are nonsense */

/* ---- text.c ---- */

/* Answer, unless the client wants to read only errors. */
void text_answer(struct dialog *dialog, const char *line);
void text_error(struct dialog *dialog, const char *line);

/* What an operation came to, in words. */
const char *text_result(enum result result);

/* Split at blanks. Returns how many words, TOKEN_MAX + 1 if there are more than TOKEN_MAX. */
size_t text_split(const char *line, size_t length, struct token *tokens);
bool token_is(const struct token *token, const char *word);

/* A key that the protocol allows. */
bool key_valid(const struct token *key);

/* Take "noreply" off the end of a command. Returns how many words are left. */
size_t text_take_noreply(struct dialog *dialog, const struct token *tokens, size_t count);

/* ---- text_put.c ---- */

/* set, add, replace, append, prepend, cas. Returns false when it is none of them. */
bool text_put(struct dialog *dialog, const struct token *tokens, size_t count);

/* Read the value of session->item next, or `length` bytes of one that is not wanted. */
void text_expect_value(struct dialog *dialog);
void text_skip_value(struct dialog *dialog, size_t length);

/* The value has come. */
enum step text_value(struct dialog *dialog);

/* ---- text_get.c ---- */

/*
 * The start of a get: its keys may come in any number, so they are answered one by one, without
 * waiting for the line's end. Returns false when it is none.
 */
bool text_get(struct dialog *dialog, const char *input, size_t length);
enum step text_keys(struct dialog *dialog);

/* ---- meta.c ---- */

/* The commands mn, mg, ms, md, ma, me. Returns false when it is none of them. */
bool meta_command(struct dialog *dialog, const struct token *tokens, size_t count);

/* The value of an ms has come. */
void meta_stored(struct dialog *dialog, enum result result, const struct token *key,
                 const struct item *item);

#endif
