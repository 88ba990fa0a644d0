/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of `neap top`. What is not known is shown as "-". */
#include "sample.h"
#include "deadline.h"
#include "host.h"
#include "size.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SESSION_MS 1000
#define BYTES_ROW  "%-16s %-12s %13s %13s %13s %13s %13s %13s %5s"
#define UNITS_ROW  "%-16s %-12s %9s %9s %9s %9s %9s %9s %5s"

static void measure_cpu(struct row *row, const struct table *before)
{
    uint64_t ticks_second = (uint64_t)sysconf(_SC_CLK_TCK);

    row->when = now_ms();
    row->ticks_known = host_ticks(row->pid, &row->ticks);
    for (int i = 0; i < before->count; i++) {
        const struct row *old = &before->rows[i];

        if (!row->ticks_known || !old->ticks_known || old->pid != row->pid ||
            old->when >= row->when || old->ticks > row->ticks)
            continue;
        row->cpu_known = true;
        row->cpu = (unsigned)((row->ticks - old->ticks) * 100000 / ticks_second /
                              (uint64_t)(row->when - old->when));
    }
}

int sample_table(struct table *table, const struct table *before, struct error *error)
{
    static struct guest guests[GUESTS_MAX];
    int count = guest_list(guests, error);
    struct error ignored;

    table->count = 0;
    for (int i = 0; i < count; i++) {
        struct row *row = &table->rows[table->count];

        if (!guests[i].running)
            continue;
        *row = (struct row){.pid = guests[i].pid};
        strcpy(row->name, guests[i].name);
        row->answers = machine_look(&guests[i], SESSION_MS, &row->figures, &ignored) == 0;
        row->rss_known =
            host_rss(row->pid, guests[i].memory, guests[i].max - guests[i].memory, &row->rss);
        measure_cpu(row, before);
        table->count++;
    }
    return count < 0 ? -1 : 0;
}

static const char *cell(char text[SIZE_TEXT], bool known, uint64_t bytes, bool units)
{
    if (!known)
        return "-";
    if (units)
        return size_format(text, bytes);
    snprintf(text, SIZE_TEXT, "%" PRIu64, bytes);
    return text;
}

const char *sample_heading(char text[ROW_TEXT], bool units)
{
    snprintf(text, ROW_TEXT, units ? UNITS_ROW : BYTES_ROW, "NAME", "STATE", "GRANTED",
             "PLUGGED", "BALLOONED", "USED", "FREE", "RSS", "CPU%");
    return text;
}

const char *sample_format(const struct row *row, char text[ROW_TEXT], bool units)
{
    const struct figures *figures = &row->figures;
    char granted[SIZE_TEXT], plugged[SIZE_TEXT], ballooned[SIZE_TEXT], used[SIZE_TEXT];
    char free[SIZE_TEXT], rss[SIZE_TEXT], cpu[12] = "-";
    bool stats = row->answers && figures->stats;

    if (row->cpu_known)
        snprintf(cpu, sizeof(cpu), "%u", row->cpu);
    snprintf(text, ROW_TEXT, units ? UNITS_ROW : BYTES_ROW, row->name,
             row->answers ? figures->state : "no-answer",
             cell(granted, row->answers, figures_granted(figures), units),
             cell(plugged, row->answers, figures->plugged, units),
             cell(ballooned, row->answers, figures->shape.boot - figures->balloon, units),
             cell(used, stats, figures->total - figures->free, units),
             cell(free, stats, figures->free, units),
             cell(rss, row->rss_known, row->rss, units), cpu);
    return text;
}
