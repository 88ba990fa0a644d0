/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The items by key: see index.h.
 *
 * Segment 0 has FIRST buckets, each further one as many as all before it. Bucket b splits into
 * b and b + half when the table has `half` + b buckets.
 */
#include "index.h"
#include <stdlib.h>
#include <string.h>

#define FIRST    1024u
#define SEGMENTS 22 /* 2^31 buckets */
#define SHRINK   4  /* when so few of the buckets are needed, and so many at a time */

static struct item **segments[SEGMENTS];
static uint32_t buckets, items;
static uint64_t seed;

static uint32_t highest_bit(uint32_t value)
{
    return 0x80000000u >> __builtin_clz(value);
}

static unsigned segment_of(uint32_t bucket)
{
    return bucket < FIRST ? 0 : (unsigned)(__builtin_ctz(highest_bit(bucket) / FIRST) + 1);
}

static uint32_t segment_start(unsigned segment)
{
    return segment == 0 ? 0 : FIRST << (segment - 1);
}

static size_t segment_bytes(unsigned segment)
{
    return sizeof(struct item *) * (segment == 0 ? FIRST : segment_start(segment));
}

static struct item **slot(uint32_t bucket)
{
    unsigned segment = segment_of(bucket);

    return &segments[segment][bucket - segment_start(segment)];
}

static uint32_t bucket_of(uint32_t hash)
{
    uint32_t half = highest_bit(buckets), bucket = hash & (2 * half - 1);

    return bucket < buckets ? bucket : bucket & (half - 1);
}

int index_init(uint64_t hash_seed)
{
    seed = hash_seed;
    segments[0] = calloc(1, segment_bytes(0));
    if (!segments[0])
        return -1;
    buckets = FIRST;
    return 0;
}

/* Multiply and fold, eight bytes at a time. */
uint32_t index_hash(const char *key, size_t length)
{
    uint64_t hash = seed ^ (length * 0x9e3779b97f4a7c15u);

    while (length > 0) {
        size_t step = length < 8 ? length : 8;
        unsigned __int128 product;
        uint64_t word = 0;

        memcpy(&word, key, step);
        product = (unsigned __int128)(hash ^ word) * 0xd6e8feb86659fd93u;
        hash = (uint64_t)product ^ (uint64_t)(product >> 64) ^ seed;
        key += step;
        length -= step;
    }
    return (uint32_t)(hash ^ (hash >> 32));
}

struct item *index_find(const char *key, size_t length, uint32_t hash)
{
    struct item *item = *slot(bucket_of(hash));

    while (item && (item->hash != hash || item->key_length != length ||
                    memcmp(item->bytes, key, length) != 0))
        item = item->chain;
    return item;
}

/* One bucket more, unless there is no memory: then chains are longer. */
static void grow(void)
{
    uint32_t bucket = buckets, half = highest_bit(bucket);
    unsigned segment = segment_of(bucket);
    struct item **from, **to;

    if (segment == SEGMENTS)
        return;
    if (!segments[segment])
        segments[segment] = calloc(1, segment_bytes(segment));
    if (!segments[segment])
        return;
    buckets++;
    from = slot(bucket - half);
    to = slot(bucket);
    while (*from) {
        struct item *item = *from;

        if (item->hash & half) {
            *from = item->chain;
            item->chain = *to;
            *to = item;
        } else {
            from = &item->chain;
        }
    }
}

static void shrink(void)
{
    uint32_t bucket = buckets - 1;
    unsigned segment = segment_of(bucket);
    struct item **to = slot(bucket - highest_bit(bucket));

    while (*to)
        to = &(*to)->chain;
    *to = *slot(bucket);
    *slot(bucket) = NULL;
    buckets = bucket;
    if (bucket == segment_start(segment)) {
        free(segments[segment]);
        segments[segment] = NULL;
    }
}

void index_add(struct item *item, bool may_grow)
{
    struct item **first = slot(bucket_of(item->hash));

    item->chain = *first;
    *first = item;
    items++;
    if (may_grow && items > buckets)
        grow();
}

void index_remove(struct item *item)
{
    struct item **link = slot(bucket_of(item->hash));

    while (*link != item)
        link = &(*link)->chain;
    *link = item->chain;
    items--;
    for (unsigned i = 0; i < SHRINK && buckets > FIRST && items < buckets / SHRINK; i++)
        shrink();
}

struct item *index_bucket(uint32_t bucket)
{
    return *slot(bucket);
}

uint32_t index_buckets(void)
{
    return buckets;
}

size_t index_bytes(void)
{
    size_t bytes = 0;

    for (unsigned i = 0; i < SEGMENTS && segments[i]; i++)
        bytes += segment_bytes(i);
    return bytes;
}

size_t index_growth(void)
{
    unsigned segment = segment_of(buckets);

    if (items < buckets || segment == SEGMENTS || segments[segment])
        return 0;
    return segment_bytes(segment);
}
