/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of a service: see client.h. And what the services take for their surroundings.
 */
#include "client.h"
#include "cache.h"
#include "httpd.h"
#include "store.h"
#include "unit.h"
#include <malloc.h>
#include <neap/status.h>
#include <stdlib.h>
#include <string.h>
#undef malloc_usable_size

#define HEAP_STEP 160 /* no power of two: sizes that fit it exactly are rare */

size_t malloc_usable_size(void *block);

static struct dialog_buffers buffers;

/* What the services take for the size of a block: rounded up, as the guest's heap does. */
size_t heap_size(void *block)
{
    return (malloc_usable_size(block) + HEAP_STEP - 1) / HEAP_STEP * HEAP_STEP;
}

void memory_status(struct memory_status *status)
{
    *status = (struct memory_status){.total = 64 << 20};
}

int server_open(struct server *server)
{
    server->now = 0;
    return 0;
}

void cache_start(size_t limit)
{
    CHECK_EQ(store_init(limit, STORE_ITEM_MAX, unit_random()), 0);
    store_tick(1000, 1700000000);
}

void client_open(struct client *client, const struct service *service)
{
    *client = (struct client){.state = calloc(1, service->state_size + 1)};
    client->read = calloc(1, 1);
    dialog_init(&client->dialog, service, client->state);
}

void client_close(struct client *client)
{
    dialog_end(&client->dialog);
    free(client->state);
    free(client->read);
}

static void read_answer(struct client *client, const char *bytes, size_t length)
{
    if (client->length + length + 1 > client->room) {
        client->room = 2 * (client->length + length + 1);
        client->read = realloc(client->read, client->room);
    }
    memcpy(client->read + client->length, bytes, length);
    client->length += length;
    client->read[client->length] = '\0';
}

/* Returns false when the service must wait: for the client to read, or for more input. */
static bool serve(struct client *client)
{
    const char *bytes;
    size_t length;
    bool more;

    (void)dialog_run(&client->dialog);
    while (!client->stalled && (bytes = dialog_output(&client->dialog, &length, &more)) &&
           length > 0) {
        size_t part = 1 + unit_random_below(length);

        read_answer(client, bytes, part);
        dialog_went(&client->dialog, part);
    }
    if (!client->stalled && client->dialog.ends)
        client->over = true;
    return !client->over && !client->stalled && !client->dialog.hungry;
}

void client_send(struct client *client, const void *data, size_t length, size_t piece)
{
    const char *bytes = data;

    while (length > 0 && !client->over) {
        size_t part = piece ? piece : 1 + unit_random_below(64), room;
        char *to;

        dialog_attach(&client->dialog, &buffers);
        to = dialog_room(&client->dialog, &room);
        part = MIN(MIN(part, length), room);
        memcpy(to, bytes, part);
        dialog_came(&client->dialog, part);
        bytes += part;
        length -= part;
        while (serve(client))
            ;
        CHECK(dialog_detach(&client->dialog));
        if (client->stalled)
            return;
    }
}

void client_resume(struct client *client)
{
    client->stalled = false;
    dialog_attach(&client->dialog, &buffers);
    while (serve(client))
        ;
    CHECK(dialog_detach(&client->dialog));
}

void client_expect(struct client *client, const char *text, const char *answer)
{
    size_t before = client->length;

    client_send(client, text, strlen(text), 0);
    if (strcmp(client->read + before, answer) != 0)
        unit_fail(__FILE__, __LINE__, "after '%s' expected '%s', read '%s'", text, answer,
                  client->read + before);
}
