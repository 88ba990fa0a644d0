/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The values of the cache: found by key, limited in memory, the least recently used go first.
 * One thread uses it.
 */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include "item.h"

#define STORE_ITEM_MAX (1u << 20) /* unless set otherwise: bytes of one item with its key */

/* What an operation came to. */
enum result {
    DONE,
    NOT_FOUND,
    NOT_STORED, /* add of a key that is there, replace of one that is not */
    EXISTS,     /* somebody changed it meanwhile */
    TOO_LARGE,
    NO_MEMORY,
    NOT_A_NUMBER,
};

/* Counted since the start or `stats reset`, under memcached's names. */
struct store_counts {
    uint64_t cmd_get, cmd_set, cmd_flush, cmd_touch, cmd_meta;
    uint64_t get_hits, get_misses, get_expired, get_flushed;
    uint64_t delete_hits, delete_misses, incr_hits, incr_misses, decr_hits, decr_misses;
    uint64_t cas_hits, cas_misses, cas_badval, touch_hits, touch_misses;
    uint64_t store_too_large, store_no_memory;
    uint64_t total_items, evictions, reclaimed, expired_unfetched, evicted_unfetched;
};

struct store {
    size_t limit;    /* bytes of items and table; may change at any time */
    size_t item_max; /* bytes */
    size_t bytes;    /* of items, as the heap counts them */
    size_t linked_bytes;
    uint64_t linked; /* items */
    uint32_t now;    /* seconds; starts at 1, so that 0 is no time */
    uint32_t generation;
    uint32_t flush_at; /* 0: no flush is announced */
    struct store_counts counts;
};

extern struct store store; /* to be read; store_limit() and store_tick() change it */

/* Once. Returns 0, or -1 without memory. */
int store_init(size_t limit, size_t item_max, uint64_t seed);

/*
 * The clock: `now` in seconds, and the wall's clock now, which absolute expiry times are in.
 * store_crawl() frees what has expired or was flushed, a part of it at a time; returns whether
 * more is known to be there.
 */
void store_tick(uint32_t now, int64_t wall);
bool store_crawl(void);

/* How many bytes there may be; evicts what is beyond it. */
void store_limit(size_t limit);

/* Evict items of about so many bytes. Returns whether there were any. */
bool store_evict(size_t bytes);

/*
 * When an expiry time of the protocol is on the store's clock: seconds from now, beyond 30 days
 * seconds since 1970, 0 never, negative at once.
 */
uint32_t store_deadline(int64_t exptime);

/*
 * A new item that nobody finds yet, with one user, its value not filled in; evicts others for
 * it. NULL: *why is TOO_LARGE or NO_MEMORY.
 */
struct item *store_alloc(const char *key, size_t key_length, size_t length, enum result *why);

/* The live item of a key, or NULL. Counts neither hit nor use. */
struct item *store_find(const char *key, size_t length);

/* It was used: last to be evicted. */
void store_bump(struct item *item);

/* Make a new item the one of its key, instead of `old` (may be NULL). Takes the user over. */
void store_link(struct item *item, struct item *old);
void store_unlink(struct item *item);

/* One user less; the last one frees it. Fits dialog_body(). */
void store_release(void *item);

/* A value for item->cas that no item has had. */
uint64_t store_next_cas(void);

/* Flush everything `delay` seconds from now; 0: now. */
void store_flush(uint32_t delay);

#endif
