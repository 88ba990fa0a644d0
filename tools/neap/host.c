/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the host's kernel says of a QEMU process.
 *
 * QEMU maps each block of guest memory by itself, with unmapped pages around it, so that the
 * mapping's size is that of the block.
 */
#include "host.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_guest_memory(uint64_t size, const char *permissions, uint64_t inode,
                            uint64_t boot, uint64_t elastic)
{
    return strcmp(permissions, "rw-p") == 0 && inode == 0 &&
           (size == boot || (elastic && size == elastic));
}

bool host_parse_smaps(FILE *smaps, uint64_t boot, uint64_t elastic, uint64_t *rss)
{
    uint64_t start, end, inode, kib;
    bool wanted = false, found = false;
    char permissions[5], *line = NULL;
    size_t size = 0;

    *rss = 0;
    while (getline(&line, &size, smaps) > 0) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*x:%*x %" SCNu64, &start, &end,
                   permissions, &inode) == 4) {
            wanted = is_guest_memory(end - start, permissions, inode, boot, elastic);
        } else if (wanted && sscanf(line, "Rss: %" SCNu64 " kB", &kib) == 1) {
            *rss += kib * 1024;
            found = true;
        }
    }
    free(line);
    return found;
}

static FILE *open_proc(pid_t pid, const char *file)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    return fopen(path, "re");
}

bool host_rss(pid_t pid, uint64_t boot, uint64_t elastic, uint64_t *rss)
{
    FILE *smaps = open_proc(pid, "smaps");
    bool found;

    if (smaps == NULL)
        return false;
    found = host_parse_smaps(smaps, boot, elastic, rss);
    fclose(smaps);
    return found;
}

/* The program's name, in parentheses, may contain spaces and parentheses itself. */
bool host_parse_stat(const char *stat, uint64_t *ticks)
{
    const char *rest = strrchr(stat, ')');
    uint64_t user, system;

    if (rest == NULL ||
        sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
               &user, &system) != 2)
        return false;
    *ticks = user + system;
    return true;
}

bool host_ticks(pid_t pid, uint64_t *ticks)
{
    FILE *file = open_proc(pid, "stat");
    char stat[1024];
    size_t length;

    if (file == NULL)
        return false;
    length = fread(stat, 1, sizeof(stat) - 1, file);
    fclose(file);
    stat[length] = '\0';
    return host_parse_stat(stat, ticks);
}
