/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP server: one thread that serves every connection of a port as far as it goes without
 * waiting.
 */
#ifndef APPS_SERVER_H
#define APPS_SERVER_H

#include "dialog.h"
#include <stddef.h>
#include <stdint.h>

#define SERVER_BUSY_SECONDS 30 /* for a whole request, or for 4 KiB of a large one */
#define SERVER_REST_SECONDS 5  /* so long a connection that does nothing is safe from others */

struct connection;

struct server {
    const struct service *service;
    unsigned port;
    size_t connections_max;
    unsigned idle_seconds; /* between requests; 0: for ever */

    /* Counted; other threads may read them. */
    size_t connections;
    uint64_t accepted, refused, timed_out, bytes_read, bytes_written;
    uint64_t
        displaced; /* ended for a new connection: it had got nowhere for the longest time */

    /* The server's own */
    int listener, events;               /* file numbers */
    struct connection *newest, *oldest; /* by when they last got anywhere */
    unsigned now;
    struct dialog_buffers *buffers;
};

/* Open the port and say so, or why not: returns 0 or -1. */
int server_open(struct server *server);

/* Serve, for ever. The argument is a struct server, so that it can be a thread's function. */
_Noreturn void server_run(void *server);

/* Seconds of the monotonic clock. */
unsigned server_clock(void);

#endif
