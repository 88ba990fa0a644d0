/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /metrics: the guest's memory and the server's counters in Prometheus' text format.
 */
#include "httpd.h"
#include <neap/memory.h>
#include <neap/net.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 4096

unsigned long httpd_requests, httpd_connections, httpd_refused;

char *metrics_text(void)
{
    char *text = malloc(TEXT_MAX);
    struct memory_stats memory;
    struct net_memory net;
    size_t used = 0;

    if (!text)
        return NULL;
    memory_stats_get(&memory);
    net_memory_get(&net);
    const struct {
        const char *name, *type;
        unsigned long long value;
    } rows[] = {
        {"neap_memory_total_bytes", "gauge", memory.total},
        {"neap_memory_free_bytes", "gauge", memory.free},
        {"neap_memory_reported_bytes", "gauge", memory.reported},
        {"neap_memory_kernel_bytes", "gauge", memory.kernel},
        {"neap_memory_movable_bytes", "gauge", memory.movable},
        {"neap_memory_ballooned_bytes", "gauge", memory.ballooned},
        {"neap_network_memory_bytes", "gauge", net.bytes},
        {"neap_network_memory_failures_total", "counter", net.failures},
        {"neap_httpd_requests_total", "counter", httpd_requests},
        {"neap_httpd_refused_total", "counter", httpd_refused},
        {"neap_httpd_connections", "gauge", httpd_connections},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        used += (size_t)snprintf(text + used, TEXT_MAX - used, "# TYPE %s %s\n%s %llu\n",
                                 rows[i].name, rows[i].type, rows[i].name, rows[i].value);
    return text;
}
