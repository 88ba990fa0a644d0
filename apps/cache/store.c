/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The values of the cache: see store.h.
 */
#include "store.h"
#include "index.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define RELATIVE_MAX (60 * 60 * 24 * 30) /* larger expiry times are dates */
#define ATTEMPTS     8                   /* at memory, after evicting more each time */
#define PART         1024                /* items or buckets that store_crawl() looks at */
#define ROUND        60                  /* seconds in which it sees the whole table */

struct store store;

static struct item *newest, *oldest;
static int64_t wall_offset; /* the wall's clock minus ours */
static uint64_t last_cas;
static uint32_t crawl_next, crawl_left; /* bucket to look at next, buckets of this second */

int store_init(size_t limit, size_t item_max, uint64_t seed)
{
    store = (struct store){.limit = limit, .item_max = item_max, .now = 1};
    return index_init(seed);
}

/* ---- time ---- */

uint32_t store_deadline(int64_t exptime)
{
    int64_t at = exptime + (exptime > RELATIVE_MAX ? -wall_offset : (int64_t)store.now);

    if (exptime == 0)
        return 0;
    if (exptime < 0 || at < 1)
        return 1;
    return at > UINT32_MAX ? UINT32_MAX : (uint32_t)at;
}

static bool is_flushed(const struct item *item)
{
    return item->generation != store.generation;
}

static bool is_expired(const struct item *item)
{
    return item->expires != 0 && item->expires <= store.now;
}

void store_flush(uint32_t delay)
{
    store.counts.cmd_flush++;
    store.flush_at = 0;
    if (delay == 0)
        store.generation++;
    else
        store.flush_at = delay > UINT32_MAX - store.now ? UINT32_MAX : store.now + delay;
}

void store_tick(uint32_t now, int64_t wall)
{
    if (now == store.now)
        return;
    store.now = now;
    wall_offset = wall - now;
    if (store.flush_at && now >= store.flush_at) {
        store.flush_at = 0;
        store.generation++;
    }
    crawl_left = index_buckets() / ROUND + 1;
}

/* ---- order of use ---- */

static void order_remove(struct item *item)
{
    *(item->newer ? &item->newer->older : &newest) = item->older;
    *(item->older ? &item->older->newer : &oldest) = item->newer;
}

static void order_add(struct item *item)
{
    item->newer = NULL;
    item->older = newest;
    *(newest ? &newest->newer : &oldest) = item;
    newest = item;
}

void store_bump(struct item *item)
{
    item->touched = store.now;
    if (item != newest) {
        order_remove(item);
        order_add(item);
    }
}

/* ---- items ---- */

uint64_t store_next_cas(void)
{
    return ++last_cas;
}

void store_release(void *object)
{
    struct item *item = object;

    if (--item->users > 0)
        return;
    store.bytes -= malloc_usable_size(item);
    free(item);
}

void store_unlink(struct item *item)
{
    item->marks &= (uint8_t)~ITEM_LINKED;
    index_remove(item);
    order_remove(item);
    store.linked--;
    store.linked_bytes -= malloc_usable_size(item);
    store_release(item);
}

static void reclaim_item(struct item *item)
{
    if (!(item->marks & ITEM_FETCHED))
        store.counts.expired_unfetched++;
    store.counts.reclaimed++;
    store_unlink(item);
}

struct item *store_find(const char *key, size_t length)
{
    struct item *item = index_find(key, length, index_hash(key, length));

    if (!item)
        return NULL;
    if (!is_flushed(item) && !is_expired(item))
        return item;
    *(is_flushed(item) ? &store.counts.get_flushed : &store.counts.get_expired) += 1;
    reclaim_item(item);
    return NULL;
}

/* ---- memory ---- */

bool store_evict(size_t bytes)
{
    size_t target = store.linked_bytes > bytes ? store.linked_bytes - bytes : 0;
    bool some = oldest != NULL;

    while (oldest && store.linked_bytes > target) {
        if (is_flushed(oldest) || is_expired(oldest)) {
            reclaim_item(oldest);
            continue;
        }
        store.counts.evictions++;
        if (!(oldest->marks & ITEM_FETCHED))
            store.counts.evicted_unfetched++;
        store_unlink(oldest);
    }
    return some;
}

static size_t used(void)
{
    return store.bytes + index_bytes();
}

void store_limit(size_t limit)
{
    store.limit = limit;
    if (used() > limit)
        store_evict(used() - limit);
}

/* What answers on their way hold makes no room when it is evicted. */
static bool make_room(size_t size)
{
    size_t elsewhere = used() - store.linked_bytes;

    if (size > store.limit || elsewhere > store.limit - size)
        return false;
    while (used() > store.limit - size) {
        if (!store_evict(used() - (store.limit - size)))
            return false;
    }
    return true;
}

/* The heap may have run out before the limit, and it rounds sizes up. */
static struct item *get_memory(size_t size)
{
    struct item *item = malloc(size);

    for (unsigned i = 0; !item && i < ATTEMPTS; i++) {
        if (!store_evict(size << i))
            break;
        item = malloc(size);
    }
    if (!item)
        return NULL;
    item->users = 1;
    store.bytes += malloc_usable_size(item);
    if (make_room(0))
        return item;
    store_release(item);
    return NULL;
}

struct item *store_alloc(const char *key, size_t key_length, size_t length, enum result *why)
{
    size_t size = item_size(key_length, length);
    struct item *item = NULL;

    if (length > store.item_max || size > store.item_max) {
        store.counts.store_too_large++;
        *why = TOO_LARGE;
        return NULL;
    }
    if (make_room(size))
        item = get_memory(size);
    if (!item) {
        store.counts.store_no_memory++;
        *why = NO_MEMORY;
        return NULL;
    }
    memset(item, 0, offsetof(struct item, bytes));
    memcpy(item->bytes, key, key_length);
    memcpy(item->bytes + key_length + length, "\r\n", 2);
    item->hash = index_hash(key, key_length);
    item->key_length = (uint8_t)key_length;
    item->length = (uint32_t)length;
    item->users = 1;
    return item;
}

void store_link(struct item *item, struct item *old)
{
    bool may_grow;

    if (old)
        store_unlink(old);
    may_grow = make_room(index_growth());
    item->marks |= ITEM_LINKED;
    item->touched = store.now;
    item->generation = store.generation;
    if (!item->cas)
        item->cas = store_next_cas();
    index_add(item, may_grow);
    order_add(item);
    store.linked++;
    store.linked_bytes += malloc_usable_size(item);
    store.counts.total_items++;
}

/* ---- clearing up ---- */

/* What was flushed has not been used since: it is the oldest. */
static bool crawl_flushed(void)
{
    for (unsigned i = 0; i < PART; i++) {
        if (!oldest || !is_flushed(oldest))
            return false;
        reclaim_item(oldest);
    }
    return true;
}

/* From the last bucket down: when the table shrinks, items move to where it comes yet. */
static void crawl_expired(void)
{
    for (unsigned i = 0; i < PART && crawl_left > 0; i++, crawl_left--) {
        struct item *item;

        if (crawl_next == 0 || crawl_next > index_buckets())
            crawl_next = index_buckets();
        item = index_bucket(--crawl_next);
        while (item) {
            struct item *next = item->chain;

            if (is_expired(item))
                reclaim_item(item);
            item = next;
        }
    }
}

bool store_crawl(void)
{
    bool flushed = crawl_flushed();

    crawl_expired();
    return flushed || crawl_left > 0;
}
