/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What clients ask of the store: see operation.h.
 */
#include "operation.h"
#include "number.h"
#include <string.h>

#define DIGITS_MAX 20 /* of a 64-bit number */

/* ---- storing ---- */

/* The old value and the new one behind it or before it; flags and expiry are the old one's. */
static enum result joined(struct item *item, struct item *old, bool append,
                          struct item **result)
{
    size_t length = (size_t)old->length + item->length;
    enum result why;
    char *value;

    old->users++; /* making room must not free it */
    *result = store_alloc(item->bytes, item->key_length, length, &why);
    if (*result) {
        value = item_value(*result);
        memcpy(value + (append ? 0 : item->length), item_value(old), old->length);
        memcpy(value + (append ? old->length : 0), item_value(item), item->length);
        (*result)->flags = old->flags;
        (*result)->expires = old->expires;
        why = DONE;
    }
    store_release(old);
    return why;
}

/* May it be stored over `old`? */
static enum result allowed(struct item *item, const struct put *put, const struct item *old)
{
    bool joins = put->mode == PUT_APPEND || put->mode == PUT_PREPEND;

    if (!old && put->compare) {
        store.counts.cas_misses++;
        return NOT_FOUND;
    }
    if (!old)
        return put->mode == PUT_REPLACE || (joins && !put->create) ? NOT_STORED : DONE;
    if (put->compare && put->cas != old->cas) {
        store.counts.cas_badval++;
        if (!put->outdate || put->cas > old->cas)
            return EXISTS;
        item->marks |= ITEM_STALE;
    } else if (put->compare) {
        store.counts.cas_hits++;
    }
    return put->mode == PUT_ADD ? NOT_STORED : DONE;
}

enum result put_item(struct item *item, const struct put *put, struct item **stored)
{
    struct item *old = store_find(item->bytes, item->key_length), *whole;
    enum result result = allowed(item, put, old);

    store.counts.cmd_set++;
    if (result == DONE && old && (put->mode == PUT_APPEND || put->mode == PUT_PREPEND)) {
        result = joined(item, old, put->mode == PUT_APPEND, &whole);
        if (result == DONE) {
            store_release(item);
            item = whole;
            old = store_find(item->bytes, item->key_length); /* it may have been evicted */
        }
    }
    if (result != DONE) {
        if (old && put->mode == PUT_ADD && result == NOT_STORED)
            store_bump(old);
        store_release(item);
        return result;
    }
    item->cas = put->new_cas;
    store_link(item, old);
    *stored = item;
    return DONE;
}

/* ---- reading ---- */

struct item *get_item(const char *key, size_t length)
{
    struct item *item = store_find(key, length);

    store.counts.cmd_get++;
    if (!item) {
        store.counts.get_misses++;
        return NULL;
    }
    store.counts.get_hits++;
    item->marks |= ITEM_FETCHED;
    store_bump(item);
    return item;
}

struct item *touch_item(const char *key, size_t length, uint32_t expires)
{
    struct item *item = store_find(key, length);

    store.counts.cmd_touch++;
    if (!item) {
        store.counts.touch_misses++;
        return NULL;
    }
    store.counts.touch_hits++;
    item->marks |= ITEM_FETCHED;
    item->expires = expires;
    store_bump(item);
    return item;
}

/* ---- changing ---- */

enum result delete_item(const char *key, size_t length, uint64_t cas)
{
    struct item *item = store_find(key, length);

    if (!item) {
        store.counts.delete_misses++;
        return NOT_FOUND;
    }
    if (cas && cas != item->cas)
        return EXISTS;
    store.counts.delete_hits++;
    store_unlink(item);
    return DONE;
}

/* Write the number in place if nobody reads the old one and it has as many digits. */
static enum result set_number(struct item **item, uint64_t value)
{
    char digits[DIGITS_MAX];
    size_t length = number_print(digits, value);
    struct item *old = *item, *changed;
    enum result why;

    if (length == old->length && old->users == 1) {
        memcpy(item_value(old), digits, length);
        store_bump(old);
        return DONE;
    }
    old->users++;
    changed = store_alloc(old->bytes, old->key_length, length, &why);
    if (changed) {
        memcpy(item_value(changed), digits, length);
        changed->flags = old->flags;
        changed->expires = old->expires;
        store_link(changed, old->marks & ITEM_LINKED ? old : NULL);
        *item = changed;
        why = DONE;
    }
    store_release(old);
    return why;
}

static void count_arithmetic(bool decrement, bool hit)
{
    struct store_counts *counts = &store.counts;

    if (decrement)
        *(hit ? &counts->decr_hits : &counts->decr_misses) += 1;
    else
        *(hit ? &counts->incr_hits : &counts->incr_misses) += 1;
}

enum result count_item(const char *key, size_t length, const struct arithmetic *arithmetic,
                       struct item **after, uint64_t *value)
{
    struct item *item = store_find(key, length);
    enum result result;
    uint64_t number;

    if (!item) {
        count_arithmetic(arithmetic->decrement, false);
        return NOT_FOUND;
    }
    if (arithmetic->cas && arithmetic->cas != item->cas)
        return EXISTS;
    if (!number_parse(item_value(item), item->length, &number))
        return NOT_A_NUMBER;
    count_arithmetic(arithmetic->decrement, true);
    if (!arithmetic->decrement)
        number += arithmetic->delta;
    else
        number = number > arithmetic->delta ? number - arithmetic->delta : 0;
    result = set_number(&item, number);
    if (result != DONE)
        return result;
    item->cas = arithmetic->new_cas ? arithmetic->new_cas : store_next_cas();
    *after = item;
    *value = number;
    return DONE;
}
