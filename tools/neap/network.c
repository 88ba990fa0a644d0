/* SPDX-License-Identifier: BSD-2-Clause */
/* The network of a guest; network.h says what there is. */
#include "network.h"
#include "size.h"
#include <stdio.h>
#include <string.h>

#define TAP_PREFIX "tap:"

/* A comma would begin another option of -netdev. */
static int set_tap(const char *name, struct network *network, struct error *error)
{
    size_t length = strlen(name);

    if (length == 0 || length >= IF_NAMESIZE || strcspn(name, ",/ ") != length)
        return error_set(error, "--net: '%s' is no name of a tap: `ip link` shows them", name);
    memcpy(network->tap, name, length + 1);
    network->kind = NETWORK_TAP;
    return 0;
}

int network_parse(const char *text, struct network *network, struct error *error)
{
    if (strncmp(text, TAP_PREFIX, strlen(TAP_PREFIX)) == 0)
        return set_tap(text + strlen(TAP_PREFIX), network, error);
    if (strcmp(text, "user") != 0 && strcmp(text, "none") != 0)
        return error_set(error, "--net is '%s': give user, tap:NAME or none", text);
    network->kind = strcmp(text, "user") == 0 ? NETWORK_USER : NETWORK_NONE;
    return 0;
}

int network_forward(const char *text, struct network *network, struct error *error)
{
    const char *colon = strchr(text, ':');
    unsigned host, guest;
    char first[8];

    if (!colon || (size_t)(colon - text) >= sizeof(first))
        return error_set(error, "--forward is '%s': give HOSTPORT:GUESTPORT", text);
    if (network->nr_forwards == NETWORK_FORWARDS_MAX)
        return error_set(error, "--forward: at most %u ports can be forwarded",
                         NETWORK_FORWARDS_MAX);
    memcpy(first, text, (size_t)(colon - text));
    first[colon - text] = '\0';
    if (number_parse(first, "--forward: the host's port", 1, UINT16_MAX, &host, error) ||
        number_parse(colon + 1, "--forward: the guest's port", 1, UINT16_MAX, &guest, error))
        return -1;
    network->forwards[network->nr_forwards].host = host;
    network->forwards[network->nr_forwards++].guest = guest;
    return 0;
}

int network_check(struct network *network, struct error *error)
{
    if (network->nr_forwards == 0)
        return 0;
    if (network->kind == NETWORK_TAP)
        return error_set(error, "--forward is for --net user: a guest on a tap has an address "
                                "of its own");
    network->kind = NETWORK_USER;
    return 0;
}

const char *network_describe(const struct network *network, const char *id,
                             char text[NETWORK_TEXT])
{
    int length;

    if (network->kind == NETWORK_TAP) {
        snprintf(text, NETWORK_TEXT, "tap,id=%s,ifname=%s,script=no,downscript=no", id,
                 network->tap);
        return text;
    }
    length = snprintf(text, NETWORK_TEXT, "user,id=%s", id);
    for (unsigned i = 0; i < network->nr_forwards; i++)
        length += snprintf(text + length, NETWORK_TEXT - (size_t)length,
                           ",hostfwd=tcp:127.0.0.1:%u-:%u", network->forwards[i].host,
                           network->forwards[i].guest);
    return text;
}
