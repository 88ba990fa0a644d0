/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debug builds: what lies behind an object is a red zone, then the requested size; a free
 * object is poison all over. Both are looked at when the object comes back or leaves.
 */
#include "slab.h"
#include <neap/panic.h>
#include <string.h>

#define RED_BYTE    0xbb
#define POISON_BYTE 0x6b
#define SIZE_MAGIC  UINT64_C(0x6e656170a110c000) /* with the size in the low bits */
#define RED_MIN     8
#define SLACK_MAX   256 /* of a large object: more is not looked at */

size_t debug_extra(void)
{
    return DEBUG_BUILD ? RED_MIN + sizeof(uint64_t) : 0;
}

static uint64_t *size_word(void *object, size_t slot)
{
    return (uint64_t *)((char *)object + slot - sizeof(uint64_t));
}

static void check_bytes(const void *object, size_t from, size_t to, uint8_t expected,
                        const char *what)
{
    const uint8_t *bytes = object;

    for (size_t i = from; i < to; i++) {
        if (bytes[i] != expected)
            panic("object at %p %s: byte %zu is 0x%02x", object, what, i, bytes[i]);
    }
}

void debug_poison_slab(void *start, size_t size)
{
    if (DEBUG_BUILD)
        memset(start, POISON_BYTE, size);
}

void debug_on_alloc(void *object, size_t size, size_t slot)
{
    if (!DEBUG_BUILD)
        return;
    check_bytes(object, 0, slot, POISON_BYTE, "was written to after it was freed");
    memset((char *)object + size, RED_BYTE, slot - size - sizeof(uint64_t));
    *size_word(object, slot) = SIZE_MAGIC ^ size;
}

void debug_on_free(void *object, size_t slot)
{
    size_t size;

    if (!DEBUG_BUILD)
        return;
    size = *size_word(object, slot) ^ SIZE_MAGIC;
    if (size > slot - debug_extra())
        panic("object at %p: what lies behind it was overwritten", object);
    check_bytes(object, size, slot - sizeof(uint64_t), RED_BYTE, "was written beyond its end");
    memset(object, POISON_BYTE, slot);
}

void debug_fill_slack(void *object, size_t size, size_t room)
{
    if (DEBUG_BUILD)
        memset((char *)object + size, RED_BYTE, MIN(room - size, (size_t)SLACK_MAX));
}

void debug_check_slack(const void *object, size_t size, size_t room)
{
    if (DEBUG_BUILD)
        check_bytes(object, size, MIN(room, size + SLACK_MAX), RED_BYTE,
                    "was written beyond its end");
}
