/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One value of the cache, with its key, in one piece of the heap.
 */
#ifndef CACHE_ITEM_H
#define CACHE_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_MAX 250

enum item_mark {
    ITEM_LINKED = 1,  /* in the index */
    ITEM_FETCHED = 2, /* somebody has read it */
    ITEM_STALE = 4,   /* invalidated, but still readable */
    ITEM_WON = 8,     /* somebody was told to renew it */
};

struct item {
    struct item *chain;         /* the next one in its bucket */
    struct item *newer, *older; /* in order of use */
    uint64_t cas;
    uint32_t hash;
    uint32_t flags;      /* the client's */
    uint32_t expires;    /* seconds of the store's clock; 0: never */
    uint32_t touched;    /* last use */
    uint32_t length;     /* of the value */
    uint32_t generation; /* flushes before it was stored */
    uint16_t users;      /* the store, and answers that are on their way */
    uint8_t key_length;
    uint8_t marks;
    char bytes[]; /* the key, the value, and CR LF as the text protocol wants */
};

static inline char *item_value(struct item *item)
{
    return item->bytes + item->key_length;
}

/* Bytes of heap for one item. */
static inline size_t item_size(size_t key_length, size_t length)
{
    return offsetof(struct item, bytes) + key_length + length + 2;
}

#endif
