/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: short lines for people and for machines, on the console and kept for `log`.
 */
#ifndef NEAP_LOG_H
#define NEAP_LOG_H

#include <neap/compiler.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum log_level {
    LOG_ERROR,
    LOG_WARNING,
    LOG_INFO,
    LOG_DEBUG,
};

/*
 * Write one line "area: message". Kept in the ring always, shown on the console when the
 * level is at or below `loglevel=`. A newline is added. Any context.
 */
void log_write(enum log_level level, const char *area, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_error(area, ...)   log_write(LOG_ERROR, area, __VA_ARGS__)
#define log_warning(area, ...) log_write(LOG_WARNING, area, __VA_ARGS__)
#define log_info(area, ...)    log_write(LOG_INFO, area, __VA_ARGS__)
#define log_debug(area, ...)   log_write(LOG_DEBUG, area, __VA_ARGS__)

/* Highest level shown on the console; the default is LOG_INFO. */
void log_set_level(enum log_level level);

/* Print without taking locks and without keeping: for panics. Any context. */
void log_emergency(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Print the newest `lines` kept lines (all: SIZE_MAX) with log_emergency() or kprintf(). */
void log_print_tail(size_t lines, bool emergency);

/* Text for the person at the console, not kept in the log. No newline added. Any context. */
void kprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
