/* SPDX-License-Identifier: BSD-2-Clause */
/* How a guest reaches the network: what --net and --forward ask for, and QEMU's words for it.
 */
#ifndef NEAP_TOOL_NETWORK_H
#define NEAP_TOOL_NETWORK_H

#include "error.h"
#include <net/if.h>

#define NETWORK_FORWARDS_MAX 16
#define NETWORK_TEXT         1024 /* room for QEMU's words */

enum network_kind {
    NETWORK_NONE,
    NETWORK_USER, /* QEMU's own: no privileges, the guest is behind an address translation */
    NETWORK_TAP,  /* a tap that the caller has made and may open */
};

struct network {
    enum network_kind kind;
    char tap[IF_NAMESIZE];
    struct {
        unsigned host, guest; /* TCP ports */
    } forwards[NETWORK_FORWARDS_MAX];
    unsigned nr_forwards;
};

/* "none", "user" or "tap:NAME". Returns 0 or -1. */
int network_parse(const char *text, struct network *network, struct error *error);

/* "HOST:GUEST", ports of this machine's loopback address and of the guest. 0 or -1. */
int network_forward(const char *text, struct network *network, struct error *error);

/* Once all options are read: do they fit together? Forwards alone mean "user". 0 or -1. */
int network_check(struct network *network, struct error *error);

/* The value of -netdev for the network with this id; not for NETWORK_NONE. */
const char *network_describe(const struct network *network, const char *id,
                             char text[NETWORK_TEXT]);

#endif
