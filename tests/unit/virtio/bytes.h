/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields as a device has them: little-endian, at any address. Byte by byte, so that no test can
 * repeat a mistake that drivers make with neap/endian.h.
 */
#ifndef BYTES_H
#define BYTES_H

#include <stdint.h>

static inline uint64_t le_load(const void *from, unsigned bytes)
{
    const uint8_t *byte = from;
    uint64_t value = 0;

    while (bytes--)
        value = value << 8 | byte[bytes];
    return value;
}

static inline void le_store(void *to, unsigned bytes, uint64_t value)
{
    uint8_t *byte = to;

    for (unsigned i = 0; i < bytes; i++)
        byte[i] = (uint8_t)(value >> 8 * i);
}

#endif
