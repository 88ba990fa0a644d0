/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Internet's checksum (RFC 1071), where no device makes it. The sum of 16-bit words,
 * carries added back, can be made of larger words as well; only the parity of a byte's place
 * counts.
 */
#include "internal.h"
#include <lwip/opt.h>

uint16_t net_checksum(const void *data, int length)
{
    const uint8_t *bytes = data;
    unsigned left = (unsigned)length;
    uint64_t sum = 0, high = 0, word;
    uint16_t half;

    for (; left >= 8; left -= 8, bytes += 8) {
        __builtin_memcpy(&word, bytes, sizeof(word));
        /* Halves on their own, so that no carry is lost before 2^32 words. */
        sum += word & UINT32_MAX;
        high += word >> 32;
    }
    sum += high;
    for (; left >= 2; left -= 2, bytes += 2) {
        __builtin_memcpy(&half, bytes, sizeof(half));
        sum += half;
    }
    if (left) {
        half = 0;
        __builtin_memcpy(&half, bytes, 1);
        sum += half;
    }
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}
