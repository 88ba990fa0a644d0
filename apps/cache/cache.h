/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory cache: a server that speaks memcached's protocols.
 */
#ifndef CACHE_H
#define CACHE_H

#include "../lib/server.h"

#define CACHE_PORT 11211

extern const struct service cache_service;
extern struct server cache_server;

/*
 * Open the cache as the arguments say: [-p PORT] [-m MEBIBYTES] [-I ITEM-SIZE] [-c
 * CONNECTIONS]. Then server_run() serves. Returns 0 or -1, which it has explained.
 */
int cache_open(int argc, char **argv);

#endif
