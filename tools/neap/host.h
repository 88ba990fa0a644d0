/* SPDX-License-Identifier: BSD-2-Clause */
/* What the host's kernel says of a QEMU process. */
#ifndef NEAP_TOOL_HOST_H
#define NEAP_TOOL_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * Resident bytes of the mappings of guest memory, from the text of /proc/PID/smaps: those of
 * exactly these sizes that are writable and belong to no file (`elastic` 0: only one).
 */
bool host_parse_smaps(FILE *smaps, uint64_t boot, uint64_t elastic, uint64_t *rss);
bool host_rss(pid_t pid, uint64_t boot, uint64_t elastic, uint64_t *rss);

/* CPU time of all threads so far, in clock ticks, from the text of /proc/PID/stat. */
bool host_parse_stat(const char *stat, uint64_t *ticks);
bool host_ticks(pid_t pid, uint64_t *ticks);

#endif
