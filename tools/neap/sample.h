/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of `neap top`: what monitor, guest and host say of each running guest. */
#ifndef NEAP_TOOL_SAMPLE_H
#define NEAP_TOOL_SAMPLE_H

#include "machine.h"

#define ROW_TEXT 160

struct row {
    char name[GUEST_NAME_MAX + 1];
    pid_t pid;
    bool answers; /* QEMU does: the figures are there */
    struct figures figures;
    bool rss_known;
    uint64_t rss;
    bool cpu_known;
    unsigned cpu; /* percent of one host CPU since the table before */
    bool ticks_known;
    uint64_t ticks;
    int64_t when; /* of ticks */
};

struct table {
    struct row rows[GUESTS_MAX];
    int count;
};

/* Fill a table; the one before (zeroed at first) is what CPU use is measured against. */
int sample_table(struct table *table, const struct table *before, struct error *error);

/* The heading, and a row: sizes with units, or in bytes for scripts. */
const char *sample_heading(char text[ROW_TEXT], bool units);
const char *sample_format(const struct row *row, char text[ROW_TEXT], bool units);

#endif
