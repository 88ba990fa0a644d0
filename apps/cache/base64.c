/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Base 64: see base64.h.
 */
#include "base64.h"
#include <stdint.h>
#include <string.h>

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(char *code, const char *bytes, size_t length)
{
    size_t used = 0;

    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t word = (uint32_t)(unsigned char)bytes[i] << 16;

        word |= left > 1 ? (uint32_t)(unsigned char)bytes[i + 1] << 8 : 0;
        word |= left > 2 ? (uint32_t)(unsigned char)bytes[i + 2] : 0;
        code[used++] = letters[word >> 18];
        code[used++] = letters[word >> 12 & 63];
        code[used++] = left > 1 ? letters[word >> 6 & 63] : '=';
        code[used++] = left > 2 ? letters[word & 63] : '=';
    }
    return used;
}

size_t base64_decode(char *bytes, size_t room, const char *code, size_t length)
{
    size_t used = 0, pad = 0;
    uint32_t word = 0;

    if (length == 0 || length % 4 != 0)
        return 0;
    while (pad < 2 && code[length - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i < length; i++) {
        const char *letter = i < length - pad ? strchr(letters, code[i]) : letters;

        if (!letter || *letter == '\0')
            return 0;
        word = word << 6 | (uint32_t)(letter - letters);
        for (size_t byte = 0; i % 4 == 3 && byte < 3; byte++) {
            if (i + 1 == length && byte >= 3 - pad)
                break;
            if (used == room)
                return 0;
            bytes[used++] = (char)(word >> (16 - 8 * byte));
        }
    }
    return used;
}
