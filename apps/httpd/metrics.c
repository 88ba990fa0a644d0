/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /metrics: the guest's memory and the server's counters in Prometheus' text format.
 */
#include "httpd.h"
#include <inttypes.h>
#include <neap/status.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX 4096

char *metrics_text(void)
{
    char *text = malloc(TEXT_MAX);
    struct memory_status memory;
    struct network_status network;
    size_t used = 0;

    if (!text)
        return NULL;
    memory_status(&memory);
    network_status(&network);
    const struct {
        const char *name, *type;
        uint64_t value;
    } rows[] = {
        {"neap_memory_total_bytes", "gauge", memory.total},
        {"neap_memory_free_bytes", "gauge", memory.free},
        {"neap_memory_reported_bytes", "gauge", memory.reported},
        {"neap_memory_kernel_bytes", "gauge", memory.kernel},
        {"neap_memory_movable_bytes", "gauge", memory.movable},
        {"neap_memory_elastic_bytes", "gauge", memory.elastic},
        {"neap_memory_ballooned_bytes", "gauge", memory.ballooned},
        {"neap_network_memory_bytes", "gauge", network.bytes},
        {"neap_network_memory_failures_total", "counter", network.failures},
        {"neap_httpd_requests_total", "counter", http_requests},
        {"neap_httpd_refused_total", "counter", http_server.refused},
        {"neap_httpd_timed_out_total", "counter", http_server.timed_out},
        {"neap_httpd_displaced_total", "counter", http_server.displaced},
        {"neap_httpd_connections", "gauge", http_server.connections},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        used += (size_t)snprintf(text + used, TEXT_MAX - used, "# TYPE %s %s\n%s %" PRIu64 "\n",
                                 rows[i].name, rows[i].type, rows[i].name, rows[i].value);
    return text;
}
