/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Archives of files: POSIX ustar, as every tar writes it for names up to 100 characters, and
 * with --format=ustar up to 255.
 */
#ifndef TAR_H
#define TAR_H

#include <stdint.h>

#define TAR_BLOCK    512
#define TAR_NAME_MAX 256

enum tar_kind {
    TAR_FILE,
    TAR_OTHER, /* folders and the like: to be skipped with their contents */
    TAR_END,
    TAR_BAD, /* no archive, or a damaged one */
};

struct tar_entry {
    char name[TAR_NAME_MAX + 1]; /* without "./" and "/" in front */
    uint64_t size;               /* bytes that follow, rounded up to whole blocks */
};

/* Read the block in front of a file. */
enum tar_kind tar_parse(const char block[TAR_BLOCK], struct tar_entry *entry);

#endif
