/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The values of the cache and their table: found, limited, forgotten in the right order.
 */
#include "client.h"
#include "index.h"
#include "operation.h"
#include "unit.h"
#include <stdio.h>
#include <string.h>

#define KEYS 20000

static struct item *put(const char *key, size_t length)
{
    enum result why;
    struct item *item = store_alloc(key, strlen(key), length, &why), *stored;

    if (!item)
        return NULL;
    memset(item_value(item), 'v', length);
    CHECK_EQ(put_item(item, &(struct put){.mode = PUT_SET}, &stored), DONE);
    return stored;
}

static bool has(const char *key)
{
    return store_find(key, strlen(key)) != NULL;
}

static void crawl(void)
{
    while (store_crawl())
        ;
}

TEST(store_finds_every_key_while_the_table_grows_and_shrinks)
{
    static bool there[KEYS];
    size_t empty;
    char key[16];

    cache_start(256 << 20);
    empty = index_bytes();
    for (int i = 0; i < 6 * KEYS; i++) {
        unsigned number = (unsigned)unit_random_below(KEYS);

        snprintf(key, sizeof(key), "k%u", number);
        if (i < 3 * KEYS) {
            put(key, 3);
            there[number] = true;
        } else {
            CHECK_EQ(delete_item(key, strlen(key), 0), there[number] ? DONE : NOT_FOUND);
            there[number] = false;
        }
        if (i % (KEYS / 4) != 0)
            continue;
        for (unsigned j = 0; j < KEYS; j++) {
            snprintf(key, sizeof(key), "k%u", j);
            CHECK_EQ(has(key), there[j]);
        }
    }
    CHECK(index_bytes() > empty);
    for (unsigned j = 0; j < KEYS; j++) {
        snprintf(key, sizeof(key), "k%u", j);
        (void)delete_item(key, strlen(key), 0);
    }
    CHECK_EQ(store.linked, 0);
    CHECK_EQ(store.bytes, 0);
    CHECK_EQ(index_bytes(), empty);
}

TEST(store_evicts_the_least_recently_used)
{
    char key[16];

    cache_start(1 << 20);
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        CHECK(put(key, 1000));
        CHECK(store.bytes + index_bytes() <= store.limit);
        CHECK(get_item("k0", 2) != NULL); /* in use all the time */
    }
    CHECK(store.counts.evictions > 900);
    CHECK(has("k1999") && has("k1500"));
    CHECK(!has("k1") && !has("k500"));
}

/* Neither what the heap rounds up nor a table that grows is too much. */
TEST(store_stays_within_its_limit)
{
    char key[16];

    cache_start(1 << 20);
    for (int i = 0; i < 20000; i++) {
        struct item *held, *stored;
        enum result why;

        snprintf(key, sizeof(key), "k%d", i);
        held = store_alloc(key, strlen(key), unit_random_below(i < 10000 ? 4000 : 100), &why);
        CHECK(held != NULL);
        CHECK(store.bytes + index_bytes() <= store.limit);
        CHECK_EQ(put_item(held, &(struct put){.mode = PUT_SET}, &stored), DONE);
        CHECK(store.bytes + index_bytes() <= store.limit);
    }
    CHECK(index_buckets() > 2048); /* it did find room to grow */
    CHECK(store.linked > index_buckets() / 2);
    CHECK(store.bytes > store.limit / 4 * 3);
}

TEST(store_refuses_what_cannot_fit)
{
    enum result why = DONE;
    struct item *held;

    cache_start(1 << 20);
    CHECK(!store_alloc("k", 1, STORE_ITEM_MAX, &why));
    CHECK_EQ(why, TOO_LARGE);
    CHECK(!store_alloc("k", 1, (size_t)-20, &why));
    CHECK_EQ(why, TOO_LARGE);
    held = put("held", 900000);
    held->users++; /* an answer is on its way */
    CHECK(put("small", 10));
    CHECK(!store_alloc("k", 1, 200000, &why));
    CHECK_EQ(why, NO_MEMORY);
    CHECK_EQ(store.counts.store_no_memory, 1);
    store_release(held);
    CHECK(put("k", 200000));
}

TEST(store_follows_its_limit)
{
    char key[16];

    cache_start(4 << 20);
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        CHECK(put(key, 1000));
    }
    store_limit(1 << 20);
    CHECK(store.bytes + index_bytes() <= 1 << 20);
    CHECK(has("k2999"));
    store_limit(0);
    CHECK_EQ(store.linked, 0);
}

TEST(store_expires)
{
    cache_start(1 << 20);
    put("never", 1)->expires = store_deadline(0);
    put("soon", 1)->expires = store_deadline(10);
    put("date", 1)->expires = store_deadline(1700000020);
    put("past", 1)->expires = store_deadline(-1);
    put("old", 1)->expires = store_deadline(1600000000);
    CHECK(has("never") && has("soon") && has("date"));
    CHECK(!has("past") && !has("old"));
    store_tick(1009, 1700000009);
    CHECK(has("soon"));
    store_tick(1010, 1700000010);
    CHECK(!has("soon") && has("date"));
    CHECK_EQ(store.counts.get_expired, 3);
    store_tick(1020, 1700000020);
    CHECK_EQ(store.linked, 2);
    for (uint32_t now = 1021; now < 1100; now++) {
        store_tick(now, 0);
        crawl();
    }
    CHECK_EQ(store.linked, 1); /* nobody asked for the other one */
}

TEST(store_flushes_now_and_later)
{
    char key[16];

    cache_start(8 << 20);
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        put(key, 10);
    }
    store_flush(0);
    CHECK(!has("k7"));
    put("new", 10);
    CHECK(store_crawl()); /* it takes several turns */
    crawl();
    CHECK_EQ(store.linked, 1);
    CHECK(has("new"));
    store_flush(5);
    store_tick(1004, 0);
    CHECK(has("new"));
    store_tick(1005, 0);
    CHECK(!has("new"));
    CHECK_EQ(store.bytes, 0);
}
