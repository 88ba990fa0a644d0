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

struct connection;

struct server {
    const struct service *service;
    unsigned port;
    size_t connections_max;
    unsigned idle_seconds; /* between requests; 0: for ever, while there is room for others */

    /* Counted; other threads may read them. */
    size_t connections;
    uint64_t accepted, refused, timed_out, bytes_read, bytes_written;

    /* The server's own */
    int listener, events; /* file numbers */
    struct connection *newest;
    unsigned now;
    struct dialog_buffers *buffers;
};

/* Open the port and say so, or why not: returns 0 or -1. */
int server_open(struct server *server);

/* Serve, for ever. The argument is a struct server, so that it can be a thread's function. */
void server_run(void *server);

/* Seconds of the monotonic clock. */
unsigned server_clock(void);

#endif
