/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The items by key: a hash table that grows and shrinks by one bucket at a time (linear
 * hashing), so that no request has to wait for a whole table to be rearranged and an empty
 * cache gives its table back.
 */
#ifndef CACHE_INDEX_H
#define CACHE_INDEX_H

#include "item.h"

/* Once. Returns 0, or -1 without memory. `seed` keeps clients from guessing buckets. */
int index_init(uint64_t seed);

uint32_t index_hash(const char *key, size_t length);

/* The item of a key, or NULL. */
struct item *index_find(const char *key, size_t length, uint32_t hash);

/*
 * Add an item whose key is not there; `may_grow`: the table has index_growth() bytes for it.
 * Without, buckets are fuller for a while. Take an item out that is there.
 */
void index_add(struct item *item, bool may_grow);
void index_remove(struct item *item);

/* For walking: the first item of a bucket below index_buckets(). */
struct item *index_bucket(uint32_t bucket);
uint32_t index_buckets(void);

/* Bytes of the table, and how many more the next item makes of it. */
size_t index_bytes(void);
size_t index_growth(void);

#endif
