/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Archives of files: what stands in front of each.
 */
#include "tar.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Where the fields are. */
enum { NAME = 0, SIZE = 124, CHECKSUM = 148, TYPE = 156, MAGIC = 257, PREFIX = 345 };
enum { NAME_BYTES = 100, SIZE_BYTES = 12, CHECKSUM_BYTES = 8, PREFIX_BYTES = 155 };

/* Octal digits up to a blank or a zero byte. */
static bool parse_octal(const char *text, size_t bytes, uint64_t *value)
{
    size_t i = 0;

    *value = 0;
    while (i < bytes && text[i] == ' ')
        i++;
    for (; i < bytes && text[i] >= '0' && text[i] <= '7'; i++)
        *value = *value << 3 | (uint64_t)(text[i] - '0');
    return i == bytes || text[i] == ' ' || text[i] == '\0';
}

/* The sum of all bytes, its own field taken as blanks. */
static bool sum_is_right(const char block[TAR_BLOCK])
{
    uint64_t expected, sum = 0;

    for (unsigned i = 0; i < TAR_BLOCK; i++)
        sum += i >= CHECKSUM && i < CHECKSUM + CHECKSUM_BYTES ? ' ' : (unsigned char)block[i];
    return parse_octal(block + CHECKSUM, CHECKSUM_BYTES, &expected) && sum == expected;
}

static bool is_empty(const char block[TAR_BLOCK])
{
    for (unsigned i = 0; i < TAR_BLOCK; i++)
        if (block[i])
            return false;
    return true;
}

static void copy_name(const char block[TAR_BLOCK], char *name)
{
    size_t length = strnlen(block + PREFIX, PREFIX_BYTES), part;

    memcpy(name, block + PREFIX, length);
    if (length)
        name[length++] = '/';
    part = strnlen(block + NAME, NAME_BYTES);
    memcpy(name + length, block + NAME, part);
    length += part;
    name[length] = '\0';
    while (name[0] == '/' || (name[0] == '.' && name[1] == '/'))
        memmove(name, name + 1, length--);
}

enum tar_kind tar_parse(const char block[TAR_BLOCK], struct tar_entry *entry)
{
    if (is_empty(block))
        return TAR_END;
    if (memcmp(block + MAGIC, "ustar", 5) != 0 || !sum_is_right(block) ||
        !parse_octal(block + SIZE, SIZE_BYTES, &entry->size))
        return TAR_BAD;
    copy_name(block, entry->name);
    return block[TYPE] == '0' || block[TYPE] == '\0' ? TAR_FILE : TAR_OTHER;
}
