/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory cache: options, the memory that it may use, and the way from a connection to a
 * protocol.
 */
#include "cache.h"
#include "session.h"
#include <neap/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS     1024
#define CONNECTIONS_MAX 50000u
#define SHARE           4 /* without -m: all memory but one part in so many */
#define RECLAIM         (64u << 10)

static size_t fixed_limit; /* 0: it follows the guest's memory */

void cache_limit(size_t limit)
{
    fixed_limit = limit;
    store_limit(limit);
}

/* The guest's memory grows and shrinks, and the cache with it. */
static void follow_memory(void)
{
    struct memory_status memory;

    memory_status(&memory);
    store_limit((size_t)(memory.total - memory.total / SHARE));
}

static bool work(unsigned now)
{
    static unsigned last;

    if (now != last) {
        last = now;
        store_tick((uint32_t)now + 1, time(NULL));
        if (!fixed_limit)
            follow_memory();
    }
    return store_crawl();
}

static bool reclaim(void)
{
    return store_evict(RECLAIM);
}

static enum step step(struct dialog *dialog)
{
    struct session *session = session_of(dialog);
    size_t length;
    const char *input = dialog_input(dialog, &length);

    if (session->protocol == PROTOCOL_NEW) {
        if (length == 0)
            return STEP_MORE;
        session->protocol =
            (unsigned char)input[0] == BINARY_REQUEST ? PROTOCOL_BINARY : PROTOCOL_TEXT;
    }
    return session->protocol == PROTOCOL_BINARY ? binary_step(dialog) : text_step(dialog);
}

static void end(struct dialog *dialog)
{
    struct session *session = session_of(dialog);

    if (session->item)
        store_release(session->item);
}

const struct service cache_service = {
    .name = "cache",
    .state_size = sizeof(struct session),
    .refusal = "ERROR Too many open connections\r\n",
    .step = step,
    .end = end,
    .work = work,
    .reclaim = reclaim,
};

struct server cache_server = {
    .service = &cache_service,
    .port = CACHE_PORT,
    .connections_max = CONNECTIONS,
};

/* A number, with k, m or g for its unit. Returns 0 for nonsense. */
static size_t parse_size(const char *text, unsigned shift)
{
    char *rest;
    unsigned long long value = strtoull(text, &rest, 10);

    if (*rest == 'k' || *rest == 'm' || *rest == 'g') {
        shift = *rest == 'k' ? 10 : *rest == 'm' ? 20 : 30;
        rest++;
    }
    return *rest || value > SIZE_MAX >> shift ? 0 : (size_t)value << shift;
}

static bool parse_options(int argc, char **argv, size_t *item_max)
{
    for (int i = 1; i < argc; i += 2) {
        const char *option = argv[i];
        bool mebibytes = strcmp(option, "-m") == 0;
        size_t value = i + 1 < argc ? parse_size(argv[i + 1], mebibytes ? 20 : 0) : 0;

        if (mebibytes && value > 0)
            fixed_limit = value;
        else if (strcmp(option, "-I") == 0 && value >= 1024 && value <= 1u << 30)
            *item_max = value;
        else if (strcmp(option, "-c") == 0 && value > 0 && value <= CONNECTIONS_MAX)
            cache_server.connections_max = value;
        else if (strcmp(option, "-p") == 0 && value > 0 && value <= UINT16_MAX)
            cache_server.port = (unsigned)value;
        else {
            printf("cache: %s %s makes no sense; options: -p PORT, -m MEBIBYTES, "
                   "-I ITEM-SIZE (1k to 1g), -c CONNECTIONS (to %u)\n",
                   option, i + 1 < argc ? argv[i + 1] : "", CONNECTIONS_MAX);
            return false;
        }
    }
    return true;
}

int cache_open(int argc, char **argv)
{
    size_t item_max = STORE_ITEM_MAX;
    uint64_t seed;

    if (!parse_options(argc, argv, &item_max))
        return -1;
    if (getentropy(&seed, sizeof(seed)))
        seed = (uint64_t)time(NULL);
    if (store_init(fixed_limit, item_max, seed)) {
        printf("cache: no memory for its table\n");
        return -1;
    }
    if (!fixed_limit)
        follow_memory();
    return server_open(&cache_server);
}
