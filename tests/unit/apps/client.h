/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of a service, without a network between them. What it sends comes in pieces; after
 * each the service loses its buffers, as when a server turns to another connection.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "dialog.h"

struct client {
    struct dialog dialog;
    char *state;
    char *read; /* all that was answered so far, with a zero byte behind it */
    size_t length, room;
    bool over;    /* the service has ended it */
    bool stalled; /* it reads nothing */
};

void client_open(struct client *client, const struct service *service);
void client_close(struct client *client);

/* Send in pieces of at most `piece` bytes; 0: of random sizes. */
void client_send(struct client *client, const void *bytes, size_t length, size_t piece);

/* Read what waits since it stalled. */
void client_resume(struct client *client);

/* Send a text and expect exactly this for an answer. */
void client_expect(struct client *client, const char *text, const char *answer);

/* A fresh cache of so many bytes; items of at most a MiB. */
void cache_start(size_t limit);

#endif
