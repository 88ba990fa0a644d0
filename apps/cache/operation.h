/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What clients ask of the store, in the terms that all three protocols share.
 */
#ifndef CACHE_OPERATION_H
#define CACHE_OPERATION_H

#include "store.h"

enum put_mode { PUT_SET, PUT_ADD, PUT_REPLACE, PUT_APPEND, PUT_PREPEND };

/* How an item is to be stored. */
struct put {
    enum put_mode mode;
    bool compare; /* only over an item of this `cas` ... */
    bool outdate; /* ... or an older one: then the new one is stale */
    bool create;  /* append and prepend: also what is not there */
    uint64_t cas;
    uint64_t new_cas; /* 0: the next one */
};

/* Store a filled item of store_alloc() and take its user over. *stored: under this item. */
enum result put_item(struct item *item, const struct put *put, struct item **stored);

/* Look up for reading: counts, and is a use of it. */
struct item *get_item(const char *key, size_t length);

/* The same with a new expiry time. */
struct item *touch_item(const char *key, size_t length, uint32_t expires);

/* cas 0: whatever it is. */
enum result delete_item(const char *key, size_t length, uint64_t cas);

struct arithmetic {
    bool decrement;
    uint64_t delta;
    uint64_t cas;     /* 0: whatever it is */
    uint64_t new_cas; /* 0: the next one */
};

/*
 * Add to or take from a decimal number; the sum is modulo 2^64, the difference not below 0.
 * *after: the item with the result, *value.
 */
enum result count_item(const char *key, size_t length, const struct arithmetic *arithmetic,
                       struct item **after, uint64_t *value);

#endif
