/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Base 64, for keys of any bytes.
 */
#ifndef CACHE_BASE64_H
#define CACHE_BASE64_H

#include <stddef.h>

#define BASE64_LENGTH(bytes) (((bytes) + 2) / 3 * 4)

/* Returns the length of the code, BASE64_LENGTH(length). */
size_t base64_encode(char *code, const char *bytes, size_t length);

/* Returns how many bytes, 0 for nonsense or more than `room`. */
size_t base64_decode(char *bytes, size_t room, const char *code, size_t length);

#endif
