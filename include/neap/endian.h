/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Little-endian fields in memory that a device shares: virtio's byte order everywhere.
 */
#ifndef NEAP_ENDIAN_H
#define NEAP_ENDIAN_H

#include <stdint.h>

/* The conversion is its own inverse, so one function serves both directions. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static inline uint16_t le16(uint16_t value)
{
    return value;
}

static inline uint32_t le32(uint32_t value)
{
    return value;
}

static inline uint64_t le64(uint64_t value)
{
    return value;
}
#else
static inline uint16_t le16(uint16_t value)
{
    return __builtin_bswap16(value);
}

static inline uint32_t le32(uint32_t value)
{
    return __builtin_bswap32(value);
}

static inline uint64_t le64(uint64_t value)
{
    return __builtin_bswap64(value);
}
#endif

#endif
