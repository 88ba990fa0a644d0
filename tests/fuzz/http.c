/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The web server: what a client may send, in pieces of any size.
 */
#include "client.h"
#include "fuzz.h"
#include "httpd.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>

void fuzz_start(void)
{
}

/* One head in memory of its size, where a look behind its end shows. */
static void parse(const uint8_t *bytes, size_t length)
{
    char *text = memcpy(malloc(length ? length : 1), bytes, length);
    struct http_request request;
    size_t head = http_parse(text, length, &request);

    CHECK(head <= length);
    if (head && !request.refusal)
        CHECK(request.path > text && request.path + request.path_length < text + length);
    free(text);
}

void fuzz_run(void)
{
    struct client client;
    size_t piece = fuzz_byte() % 64, length;
    const uint8_t *bytes = fuzz_rest(&length);

    parse(bytes, length);
    client_open(&client, &http_service);
    client_send(&client, bytes, length, piece);
    client_close(&client);
}
