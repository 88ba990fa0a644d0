/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an application can know about the guest that it runs in.
 */
#ifndef NEAP_STATUS_H
#define NEAP_STATUS_H

#include <stdint.h>

/* All in bytes; total = free + kernel + movable + what the kernel holds for itself. */
struct memory_status {
    uint64_t total;     /* grows and shrinks as the host plugs and unplugs */
    uint64_t free;      /* for anybody */
    uint64_t reported;  /* of it: the host has it meanwhile */
    uint64_t kernel;    /* in use by the kernel */
    uint64_t movable;   /* in use by the application: heap and mappings */
    uint64_t elastic;   /* of total: the host may take it back */
    uint64_t ballooned; /* lent to the host by the balloon */
};

/* A snapshot of the guest's memory. Any thread. */
void memory_status(struct memory_status *status);

struct network_status {
    uint64_t bytes;    /* memory of the network stack: connections, data on its way */
    uint64_t limit;    /* of that */
    uint64_t failures; /* requests refused for the limit or for want of memory */
};

/* A snapshot of the network stack. Only in images with NETWORK := 1. Any thread. */
void network_status(struct network_status *status);

#endif
