/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache's text protocol, in pieces of every size.
 */
#include "cache.h"
#include "client.h"
#include "store.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct client client;

static void start(void)
{
    cache_start(4 << 20);
    client_open(&client, &cache_service);
}

TEST(cache_text_stores_and_reads)
{
    start();
    client_expect(&client, "set a 5 0 3\r\nabc\r\n", "STORED\r\n");
    client_expect(&client, "get a b a\r\n",
                  "VALUE a 5 3\r\nabc\r\nVALUE a 5 3\r\nabc\r\nEND\r\n");
    client_expect(&client, "add a 0 0 1\r\nx\r\nreplace b 0 0 1\r\nx\r\n",
                  "NOT_STORED\r\nNOT_STORED\r\n");
    client_expect(&client, "append a 0 0 2\r\nde\r\nprepend a 0 0 1\r\n0\r\nget a\r\n",
                  "STORED\r\nSTORED\r\nVALUE a 5 6\r\n0abcde\r\nEND\r\n");
    client_expect(&client, "set n 0 0 2 noreply\r\n99\r\nincr n 1\r\ndecr n 1000\r\n",
                  "100\r\n0\r\n");
    client_expect(&client, "incr a 1\r\nincr n x\r\nincr none 1\r\n",
                  "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"
                  "CLIENT_ERROR invalid numeric delta argument\r\nNOT_FOUND\r\n");
    client_expect(&client, "delete a\r\ndelete a\r\nget a\r\n",
                  "DELETED\r\nNOT_FOUND\r\nEND\r\n");
    client_expect(&client, "touch n 10\r\ngat 20 n\r\n",
                  "TOUCHED\r\nVALUE n 0 1\r\n0\r\nEND\r\n");
    client_expect(&client, "flush_all\r\nget n\r\nversion\r\n",
                  "OK\r\nEND\r\nVERSION 1.6.0-neap\r\n");
    client_expect(&client, "quit\r\n", "");
    CHECK(client.over);
}

TEST(cache_text_compares)
{
    unsigned long long cas;
    char text[64];

    start();
    client_expect(&client, "set a 0 0 1\r\nx\r\n", "STORED\r\n");
    client_send(&client, "gets a\r\n", 8, 0);
    CHECK_EQ(sscanf(client.read, "STORED\r\nVALUE a 0 1 %llu", &cas), 1);
    snprintf(text, sizeof(text), "cas a 0 0 1 %llu\r\ny\r\n", cas);
    client_expect(&client, text, "STORED\r\n");
    client_expect(&client, text, "EXISTS\r\n");
    client_expect(&client, "cas b 0 0 1 1\r\ny\r\n", "NOT_FOUND\r\n");
}

TEST(cache_text_refused_values_are_no_commands)
{
    start();
    client_expect(&client, "set a 0 0 9\r\nflush_all\r\nset a x 0 9\r\nflush_all\r\n",
                  "STORED\r\nCLIENT_ERROR bad command line format\r\n");
    client_expect(&client, "set a 0 0 3\r\nflush_all\r\nget a\r\n",
                  "CLIENT_ERROR bad data chunk\r\nVALUE a 0 9\r\nflush_all\r\nEND\r\n");
    client_expect(&client, "ms a 9 %\r\nflush_all\r\nmn\r\n",
                  "CLIENT_ERROR invalid flag\r\nMN\r\n");
    CHECK_EQ(store.counts.cmd_flush, 0);
}

TEST(cache_text_too_large_is_skipped)
{
    char *value = malloc(2 << 20);

    start();
    memset(value, 'x', 2 << 20);
    client_expect(&client, "set big 0 0 2\r\nok\r\n", "STORED\r\n");
    client_send(&client, "set big 0 0 2097150\r\n", 21, 0);
    client_send(&client, value, 2097150, 5000);
    client_expect(&client, "\r\nget big\r\n", "END\r\n"); /* nobody reads the old one */
    CHECK(strstr(client.read, "SERVER_ERROR object too large for cache\r\n"));
    free(value);
}

TEST(cache_text_a_get_may_have_many_keys)
{
    start();
    client_expect(&client, "set a 0 0 1\r\nx\r\n", "STORED\r\n");
    client_send(&client, "get", 3, 0);
    for (int i = 0; i < 10000; i++)
        client_send(&client, i % 1000 == 0 ? " a" : " a_key_that_is_not_there_at_all",
                    i % 1000 == 0 ? 2 : 31, 0);
    client_expect(&client, "\r\nmn\r\n", "END\r\nMN\r\n");
    CHECK_EQ(store.counts.get_hits, 10);
    CHECK_EQ(store.counts.get_misses, 9990);
}

/* Whatever has no end is refused while it is small. */
TEST(cache_text_endless_lines_are_refused)
{
    char *line = malloc(1 << 20);

    start();
    memset(line, 'x', 1 << 20);
    client_send(&client, line, 1 << 20, 100);
    CHECK(client.over);
    CHECK(strcmp(client.read, "CLIENT_ERROR line too long\r\n") == 0);
    client_close(&client);
    client_open(&client, &cache_service);
    client_send(&client, "get ", 4, 0);
    client_send(&client, line, 1 << 20, 100);
    CHECK(client.dialog.input.length < 300);
    client_expect(&client, "\r\nmn\r\n", "MN\r\n");
    free(line);
}

/* An item stays until the slow reader has all of it; the cache forgets it at once. */
TEST(cache_text_slow_reader_of_what_was_deleted)
{
    struct client other;
    char head[32], *value = malloc(500000);

    start();
    memset(value, 'y', 500000);
    client_send(&client, "set a 0 0 500000\r\n", 18, 0);
    client_send(&client, value, 500000, 0);
    client_expect(&client, "\r\n", "STORED\r\n");
    client.stalled = true;
    client_send(&client, "get a\r\n", 7, 100);
    client_open(&other, &cache_service);
    client_expect(&other, "delete a\r\nget a\r\n", "DELETED\r\nEND\r\n");
    CHECK(store.bytes > 500000);
    CHECK_EQ(store.linked, 0);
    client_resume(&client);
    CHECK_EQ(store.bytes, 0);
    snprintf(head, sizeof(head), "VALUE a 0 500000\r\n");
    CHECK(memcmp(client.read + 8, head, strlen(head)) == 0);
    CHECK(memcmp(client.read + 8 + strlen(head), value, 500000) == 0);
    client_close(&other);
    free(value);
}

TEST(cache_text_half_a_value_is_given_back)
{
    start();
    client_send(&client, "set a 0 0 100000\r\nxxxx", 22, 0);
    CHECK(store.bytes > 100000);
    client_close(&client);
    CHECK_EQ(store.bytes, 0);
}
