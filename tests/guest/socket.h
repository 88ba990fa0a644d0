/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the self-tests of the network share.
 */
#ifndef SOCKET_H
#define SOCKET_H

#include "guest.h"
#include <netinet/in.h>

/* An address of the guest itself. */
struct sockaddr_in loopback_address(uint16_t port);

/* A socket that listens on a port of its own choice, which is stored. */
int listening_socket(struct selftest *t, int backlog, uint16_t *port);

/* Two ends of one connection. False with a failed expectation. */
bool connected_pair(struct selftest *t, int ends[2]);

/* For eventually(): does the stack have no more memory than it had, a struct net_memory? */
bool stack_memory_is_back(void *before);

/* The byte at a position of a stream; another stream has others. */
uint8_t pattern_byte(uint64_t position, unsigned stream);

#endif
