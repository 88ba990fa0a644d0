/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the commands of the shell share.
 */
#ifndef SHELL_COMMANDS_H
#define SHELL_COMMANDS_H

#include <neap/shell.h>
#include <stdint.h>

/* The command of this name, or NULL. */
const struct shell_command *shell_find(const char *name);

/* The index-th word (from 0) after the command's name that is no option; NULL: there is none.
 */
const char *shell_word(int argc, char **argv, int index);

/* A word as a number, as parse_size() reads it. Returns 0, -EINVAL for anything else. */
int shell_number(const char *word, uint64_t *value);

/* The first page of what `alloc` holds under this id. Returns 0 or -ENOENT. */
int shell_holding_find(uint64_t id, uintptr_t *va);

#endif
