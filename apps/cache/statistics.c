/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The statistics, under memcached's names.
 */
#include "cache.h"
#include "index.h"
#include "session.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct row {
    const char *name;
    uint64_t value;
};

static void each_row(const struct row *rows, size_t count, statistic_fn *each, void *arg)
{
    char text[24];

    for (size_t i = 0; i < count; i++) {
        snprintf(text, sizeof(text), "%" PRIu64, rows[i].value);
        each(arg, rows[i].name, text);
    }
}

#define ROWS(rows) rows, sizeof(rows) / sizeof((rows)[0])

static void requests(statistic_fn *each, void *arg)
{
    const struct store_counts *counts = &store.counts;
    const struct row rows[] = {
        {"cmd_get", counts->cmd_get},
        {"cmd_set", counts->cmd_set},
        {"cmd_flush", counts->cmd_flush},
        {"cmd_touch", counts->cmd_touch},
        {"cmd_meta", counts->cmd_meta},
        {"get_hits", counts->get_hits},
        {"get_misses", counts->get_misses},
        {"get_expired", counts->get_expired},
        {"get_flushed", counts->get_flushed},
        {"delete_misses", counts->delete_misses},
        {"delete_hits", counts->delete_hits},
        {"incr_misses", counts->incr_misses},
        {"incr_hits", counts->incr_hits},
        {"decr_misses", counts->decr_misses},
        {"decr_hits", counts->decr_hits},
        {"cas_misses", counts->cas_misses},
        {"cas_hits", counts->cas_hits},
        {"cas_badval", counts->cas_badval},
        {"touch_hits", counts->touch_hits},
        {"touch_misses", counts->touch_misses},
        {"store_too_large", counts->store_too_large},
        {"store_no_memory", counts->store_no_memory},
    };

    each_row(ROWS(rows), each, arg);
}

static void contents(statistic_fn *each, void *arg)
{
    const struct store_counts *counts = &store.counts;
    const struct row rows[] = {
        {"limit_maxbytes", store.limit},
        {"hash_bytes", index_bytes()},
        {"bytes", store.bytes},
        {"curr_items", store.linked},
        {"total_items", counts->total_items},
        {"expired_unfetched", counts->expired_unfetched},
        {"evicted_unfetched", counts->evicted_unfetched},
        {"evictions", counts->evictions},
        {"reclaimed", counts->reclaimed},
    };

    each_row(ROWS(rows), each, arg);
}

static void connections(statistic_fn *each, void *arg)
{
    const struct server *server = &cache_server;
    const struct row rows[] = {
        {"max_connections", server->connections_max},
        {"curr_connections", server->connections},
        {"total_connections", server->accepted},
        {"rejected_connections", server->refused},
        {"idle_kicks", server->timed_out + server->displaced},
        {"bytes_read", server->bytes_read},
        {"bytes_written", server->bytes_written},
    };

    each_row(ROWS(rows), each, arg);
}

static void general(statistic_fn *each, void *arg)
{
    const struct row first[] = {
        {"pid", 1},
        {"uptime", store.now},
        {"time", (uint64_t)time(NULL)},
    };
    const struct row second[] = {
        {"pointer_size", 8 * sizeof(void *)},
        {"accepting_conns", 1},
        {"threads", 1},
    };

    each_row(ROWS(first), each, arg);
    each(arg, "version", CACHE_VERSION);
    each_row(ROWS(second), each, arg);
    connections(each, arg);
    requests(each, arg);
    contents(each, arg);
}

static void settings(statistic_fn *each, void *arg)
{
    const struct row rows[] = {
        {"maxbytes", store.limit},
        {"maxconns", cache_server.connections_max},
        {"tcpport", cache_server.port},
        {"udpport", 0},
        {"item_size_max", store.item_max},
        {"idle_timeout", cache_server.idle_seconds},
        {"num_threads", 1},
    };

    each_row(ROWS(rows), each, arg);
    each(arg, "evictions", "on");
    each(arg, "cas_enabled", "yes");
    each(arg, "flush_enabled", "yes");
    each(arg, "binding_protocol", "auto-negotiate");
}

/* The heap has no slabs; tools that ask for them read one class of all sizes. */
static void items(statistic_fn *each, void *arg)
{
    const struct row rows[] = {
        {"items:1:number", store.linked},
        {"items:1:evicted", store.counts.evictions},
        {"items:1:outofmemory", store.counts.store_no_memory},
        {"items:1:reclaimed", store.counts.reclaimed},
    };

    if (store.linked > 0)
        each_row(ROWS(rows), each, arg);
}

static void slabs(statistic_fn *each, void *arg)
{
    const struct row rows[] = {{"active_slabs", 0}, {"total_malloced", store.bytes}};

    each_row(ROWS(rows), each, arg);
}

bool statistics(const struct token *group, statistic_fn *each, void *arg)
{
    static const struct {
        const char *name;
        void (*print)(statistic_fn *each, void *arg);
    } groups[] = {
        {"", general},    {"settings", settings}, {"items", items},
        {"slabs", slabs}, {"conns", connections},
    };

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (group->length == strlen(groups[i].name) &&
            memcmp(group->text, groups[i].name, group->length) == 0) {
            groups[i].print(each, arg);
            return true;
        }
    }
    return false;
}
