/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: a ring of the newest lines, and what of them the console shows.
 */
#include "internal.h"
#include <neap/cmdline.h>
#include <neap/console.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/timer.h>
#include <string.h>

#define RING_SIZE 16384
#define LINE_MAX  256

static struct {
    struct spinlock lock;
    uint64_t head; /* bytes ever written; the ring holds the last RING_SIZE of them */
    char bytes[RING_SIZE];
} ring = {.lock = SPINLOCK_INIT("log", LOCK_RANK_LOG)};

static enum log_level shown_level = LOG_INFO;

static const char *const level_names[] = {"error", "warning", "info", "debug"};

static void keep(const char *line, size_t length)
{
    irqflags_t flags = spin_lock(&ring.lock);

    for (size_t i = 0; i < length; i++)
        ring.bytes[ring.head++ % RING_SIZE] = line[i];
    spin_unlock(&ring.lock, flags);
}

/* "[    0.001234] area: warning: text\n"; a text too long for a line is cut. */
static size_t compose(char line[LINE_MAX], enum log_level level, const char *area,
                      const char *fmt, va_list args)
{
    uint64_t us = clock_ns() / NS_PER_US;
    size_t length;

    length = (size_t)format_string(line, LINE_MAX, "[%5llu.%06llu] %s: %s",
                                   (unsigned long long)(us / 1000000),
                                   (unsigned long long)(us % 1000000), area,
                                   level == LOG_ERROR     ? "error: "
                                   : level == LOG_WARNING ? "warning: "
                                                          : "");
    length = MIN(length, (size_t)LINE_MAX - 2);
    length += (size_t)format_string_v(line + length, LINE_MAX - 1 - length, fmt, args);
    length = MIN(length, (size_t)LINE_MAX - 2);
    line[length++] = '\n';
    return length;
}

void log_write(enum log_level level, const char *area, const char *fmt, ...)
{
    char line[LINE_MAX];
    va_list args;
    size_t length;

    va_start(args, fmt);
    length = compose(line, level, area, fmt, args);
    va_end(args);
    keep(line, length);
    if (level <= shown_level)
        console_write_as(NULL, line, length);
}

void log_set_level(enum log_level level)
{
    shown_level = level;
}

void log_emergency(const char *fmt, ...)
{
    char text[LINE_MAX];
    va_list args;
    int length;

    va_start(args, fmt);
    length = format_string_v(text, sizeof(text), fmt, args);
    va_end(args);
    console_write_emergency(text, MIN((size_t)length, sizeof(text) - 1));
}

void kprintf(const char *fmt, ...)
{
    char text[2 * LINE_MAX];
    va_list args;
    int length;

    va_start(args, fmt);
    length = format_string_v(text, sizeof(text), fmt, args);
    va_end(args);
    console_write(text, MIN((size_t)length, sizeof(text) - 1));
}

/* ---- reading the ring ---- */

/* Where the newest `lines` lines begin. */
static uint64_t tail_start(size_t lines)
{
    uint64_t oldest = ring.head > RING_SIZE ? ring.head - RING_SIZE : 0;
    uint64_t pos = ring.head;

    while (pos > oldest) {
        if (pos != ring.head && ring.bytes[(pos - 1) % RING_SIZE] == '\n' && --lines == 0)
            return pos;
        pos--;
    }
    /* The oldest line may be cut: skip it unless nothing was overwritten yet. */
    if (oldest > 0)
        while (pos < ring.head && ring.bytes[pos++ % RING_SIZE] != '\n')
            ;
    return pos;
}

/* Copy the line at *pos and step over it; its length, 0 at the end. */
static size_t next_line(uint64_t *pos, char line[LINE_MAX])
{
    size_t length = 0;

    if (ring.head > RING_SIZE && *pos < ring.head - RING_SIZE)
        *pos = tail_start(SIZE_MAX); /* overwritten meanwhile */
    while (*pos < ring.head && length < LINE_MAX) {
        line[length] = ring.bytes[(*pos)++ % RING_SIZE];
        if (line[length++] == '\n')
            break;
    }
    return length;
}

void log_print_tail(size_t lines, bool emergency)
{
    char line[LINE_MAX];
    irqflags_t flags = 0;
    uint64_t pos, end = ring.head;
    size_t length;

    if (lines == 0)
        return;
    if (!emergency)
        flags = spin_lock(&ring.lock);
    pos = tail_start(lines);
    if (!emergency)
        spin_unlock(&ring.lock, flags);
    while (pos < end) {
        if (!emergency)
            flags = spin_lock(&ring.lock);
        length = next_line(&pos, line);
        if (!emergency)
            spin_unlock(&ring.lock, flags);
        if (length == 0)
            return;
        if (emergency)
            console_write_emergency(line, length);
        else
            console_write(line, length);
    }
}

/* ---- command line ---- */

static int set_loglevel(const char *value)
{
    for (unsigned level = 0; level < ARRAY_SIZE(level_names); level++) {
        bool digit = value[0] == (char)('0' + level) && value[1] == '\0';

        if (digit || strcmp(value, level_names[level]) == 0) {
            log_set_level((enum log_level)level);
            return 0;
        }
    }
    return -EINVAL;
}
CMDLINE_KEY(loglevel, "error, warning, info or debug: what the console shows of the log",
            set_loglevel);
