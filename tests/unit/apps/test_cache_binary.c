/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache's binary protocol, and whatever else may come over a wire.
 */
#include "binary.h"
#include "cache.h"
#include "client.h"
#include "store.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>

static struct client client;

static void start(void)
{
    cache_start(1 << 20);
    client_open(&client, &cache_service);
}

static void send_request(uint8_t opcode, const void *extras, uint8_t extras_length,
                         const char *key, const char *value, uint64_t cas)
{
    uint8_t head[BINARY_HEAD] = {BINARY_REQUEST, opcode, 0, (uint8_t)strlen(key),
                                 extras_length};

    put_u32(head + 8, (uint32_t)(extras_length + strlen(key) + strlen(value)));
    put_u32(head + 12, 0x11223344);
    put_u64(head + 16, cas);
    client_send(&client, head, sizeof(head), 0);
    client_send(&client, extras, extras_length, 0);
    client_send(&client, key, strlen(key), 0);
    client_send(&client, value, strlen(value), 0);
}

/* Take the next answer; returns where its body starts. */
static const uint8_t *expect_answer(uint16_t status, uint32_t body_length, uint64_t *cas)
{
    static size_t taken;
    const uint8_t *head = (const uint8_t *)client.read + taken;

    CHECK(client.length >= taken + BINARY_HEAD);
    CHECK_EQ(head[0], BINARY_RESPONSE);
    CHECK_EQ(get_u32(head + 12), 0x11223344);
    CHECK_EQ(head[6] << 8 | head[7], status);
    CHECK_EQ(get_u32(head + 8), body_length);
    if (cas)
        *cas = get_u64(head + 16);
    taken += BINARY_HEAD + body_length;
    return head + BINARY_HEAD;
}

TEST(cache_binary_stores_and_reads)
{
    static const uint8_t set[8] = {0, 0, 0, 9}, count[20] = {[7] = 5, [15] = 40};
    const uint8_t *body;
    uint64_t cas;

    start();
    send_request(0x01, set, 8, "key", "value", 0);
    (void)expect_answer(BINARY_SUCCESS, 0, &cas);
    send_request(0x00, NULL, 0, "key", "", 0);
    body = expect_answer(BINARY_SUCCESS, 9, NULL);
    CHECK(memcmp(body, "\0\0\0\x09value", 9) == 0);
    send_request(0x01, set, 8, "key", "other", cas + 1);
    (void)expect_answer(BINARY_EXISTS, 20, NULL);
    send_request(0x02, set, 8, "key", "other", 0);
    (void)expect_answer(BINARY_EXISTS, 20, NULL);
    send_request(0x0e, NULL, 0, "key", "2", cas);
    (void)expect_answer(BINARY_SUCCESS, 0, NULL);
    send_request(0x05, count, 20, "n", "", 0);
    CHECK_EQ(get_u64(expect_answer(BINARY_SUCCESS, 8, NULL)), 40);
    send_request(0x05, count, 20, "n", "", 0);
    CHECK_EQ(get_u64(expect_answer(BINARY_SUCCESS, 8, NULL)), 45);
    send_request(0x09, NULL, 0, "none", "", 0); /* quiet */
    send_request(0x0c, NULL, 0, "key", "", 0);
    CHECK(memcmp(expect_answer(BINARY_SUCCESS, 13, NULL) + 4, "keyvalue2", 9) == 0);
    send_request(0x04, NULL, 0, "key", "", 0);
    (void)expect_answer(BINARY_SUCCESS, 0, NULL);
    send_request(0x00, NULL, 0, "key", "", 0);
    (void)expect_answer(BINARY_NOT_FOUND, 9, NULL);
}

TEST(cache_binary_text_clients_read_the_same)
{
    static const uint8_t set[8];
    struct client other;

    start();
    send_request(0x11, set, 8, "key", "value", 0);
    client_open(&other, &cache_service);
    client_expect(&other, "get key\r\n", "VALUE key 0 5\r\nvalue\r\nEND\r\n");
    CHECK_EQ(client.length, 0);
}

TEST(cache_binary_nonsense_is_refused)
{
    static const uint8_t set[8];

    start();
    send_request(0x00, set, 8, "key", "", 0);
    (void)expect_answer(BINARY_INVALID, 17, NULL);
    send_request(0x00, NULL, 0, "", "", 0);
    (void)expect_answer(BINARY_INVALID, 17, NULL);
    send_request(0x55, set, 8, "key", "value", 0);
    (void)expect_answer(BINARY_UNKNOWN, 15, NULL);
    send_request(0x0a, NULL, 0, "", "", 0); /* it still knows where requests start */
    (void)expect_answer(BINARY_SUCCESS, 0, NULL);
    CHECK(!client.over);
    client_send(&client, "get key\r\n and what else a text client may say", 45, 0);
    CHECK(client.over);
}

/* Lengths that cannot be true: nobody knows where the next request starts. */
TEST(cache_binary_believes_no_lengths)
{
    static const struct {
        uint8_t opcode, extras;
        uint16_t key;
        uint32_t body;
    } lies[] = {
        {0x00, 0, 8, 7},                           /* a key longer than the body */
        {0x01, 8, 8, 15},                          /* a value of minus one byte */
        {0x0a, 20, 0, 0},                          /* extras longer than the body */
        {0x00, 0, KEY_MAX + 1, KEY_MAX + 1},       /* a key that is too long */
        {0x00, 0, UINT16_MAX, UINT32_MAX},         /* and the longest of all */
        {0x55, BINARY_EXTRAS_MAX + 1, 0, 1 << 10}, /* extras that no command has */
    };

    for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
        uint8_t head[BINARY_HEAD] = {BINARY_REQUEST, lies[i].opcode, [4] = lies[i].extras};

        start();
        put_u16(head + 2, lies[i].key);
        put_u32(head + 8, lies[i].body);
        client_send(&client, head, sizeof(head), 0);
        CHECK(client.over);
        CHECK_EQ(client.length, BINARY_HEAD + 17);
        CHECK_EQ(client.read[7], BINARY_INVALID);
        client_close(&client);
    }
}

/* A line or a request, then a few bytes of it changed. */
static size_t noise(char *bytes, size_t room)
{
    static const char *const lines[] = {
        "get a b c\r\n",
        "set a 0 0 5\r\nhello\r\n",
        "mg a v t k O1 s\r\n",
        "ms a 3 T0\r\nabc\r\n",
        "ma n N0 J5 v\r\n",
        "md a I T9\r\n",
        "gat 9 a\r\n",
        "incr n 5\r\n",
        "append a 0 0 2\r\nxy\r\n",
        "stats\r\n",
        "delete a\r\n",
        "cas a 0 0 1 5\r\nx\r\n",
        "flush_all 3\r\n",
        "\x80\x01\0\x01\x08\0\0\0\0\0\0\x0c",
    };
    size_t length = 0, size;

    while (length + 64 < room && unit_random_below(8)) {
        const char *line = lines[unit_random_below(ARRAY_SIZE(lines))];

        size = line[0] == '\x80' ? 12 : strlen(line);
        memcpy(bytes + length, line, size);
        length += size;
        for (uint64_t i = unit_random_below(3); line[0] == '\x80' && i < 3; i++) {
            memset(bytes + length, (int)unit_random_below(3), 12);
            length += 12;
        }
    }
    for (uint64_t changes = unit_random_below(4); length > 0 && changes > 0; changes--)
        bytes[unit_random_below(length)] = (char)unit_random();
    return length;
}

/* The sanitizers watch; what clients send ends with them. */
TEST(cache_survives_noise)
{
    char bytes[1024];

    cache_start(1 << 20);
    for (int i = 0; i < 20000; i++) {
        client_open(&client, &cache_service);
        for (int part = 0; part < 3 && !client.over; part++)
            client_send(&client, bytes, noise(bytes, sizeof(bytes)), 0);
        client_close(&client);
        if (i % 100 == 0)
            store_tick(1000 + (uint32_t)i, 1700000000);
        (void)store_crawl();
        CHECK(store.bytes <= store.limit);
    }
    store_flush(0);
    while (store_crawl())
        ;
    CHECK_EQ(store.bytes, 0);
}

/* The same bytes in other pieces give the same answers. */
TEST(cache_pieces_make_no_difference)
{
    char bytes[1024];

    for (int i = 0; i < 500; i++) {
        size_t length = noise(bytes, sizeof(bytes));
        struct client whole;

        cache_start(1 << 20);
        client_open(&client, &cache_service);
        client_send(&client, bytes, length, 0);
        store_limit(0);
        cache_start(1 << 20);
        client_open(&whole, &cache_service);
        client_send(&whole, bytes, length, length);
        CHECK_EQ(whole.over, client.over);
        if (!strstr(bytes, "stats") && !strstr(bytes, "cas"))
            CHECK_EQ(whole.length, client.length);
        client_close(&whole);
        client_close(&client);
        store_limit(0);
    }
}
