/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory cache: text, meta and binary protocol, two clients that read or do not, and time.
 */
#include "cache.h"
#include "client.h"
#include "fuzz.h"
#include "store.h"
#include "unit.h"

#define LIMIT   (64u << 10)
#define CLIENTS 2

static struct client clients[CLIENTS];

void fuzz_start(void)
{
    cache_start(LIMIT);
}

/* Nothing is left of the input before. */
static void empty(void)
{
    store_flush(0);
    while (store_crawl())
        ;
    store_limit(LIMIT);
    store_tick(1000, 1700000000);
}

static void send_some(struct client *client)
{
    size_t piece = fuzz_byte() % 64, length = fuzz_byte();
    uint8_t bytes[256];

    length = fuzz_bytes(bytes, length);
    if (client->stalled || client->over)
        return;
    client_send(client, bytes, length, piece);
}

void fuzz_run(void)
{
    empty();
    for (unsigned i = 0; i < CLIENTS; i++)
        client_open(&clients[i], &cache_service);
    while (fuzz_more()) {
        unsigned step = fuzz_byte();
        struct client *client = &clients[step / 8 % CLIENTS];

        switch (step % 8) {
        case 0:
            store_tick(store.now + fuzz_byte(), 1700000000 + store.now);
            (void)store_crawl();
            break;
        case 1:
            client->stalled = true;
            break;
        case 2:
            if (client->stalled)
                client_resume(client);
            break;
        default:
            send_some(client);
        }
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        client_close(&clients[i]);
    CHECK(store.bytes <= LIMIT);
}
