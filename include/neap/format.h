/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatting without floating point, usable in every context.
 *
 * Understands %d %i %u %x %X %o %c %s %p %% with the lengths hh h l ll j z t, flags "-0+ #",
 * width and precision (also *). Semantics are those of C's snprintf.
 */
#ifndef NEAP_FORMAT_H
#define NEAP_FORMAT_H

#include <neap/compiler.h>
#include <stdarg.h>
#include <stddef.h>

/* Returns the length the whole text would have; the result is always terminated if size > 0. */
int format_string(char *buffer, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
int format_string_v(char *buffer, size_t size, const char *fmt, va_list args);

/* "1.5 GiB", "64 MiB", "512 KiB", "100 B" into a static-free caller buffer; returns it. */
#define FORMAT_SIZE_MAX 16
char *format_size(char buffer[FORMAT_SIZE_MAX], uint64_t bytes);

/*
 * Parse "512M", "4K", "1G", "0x1000", "123" (binary units, case ignored). Returns 0 and the
 * bytes, -EINVAL for text that is no size, -ERANGE for one beyond 64 bits.
 */
int parse_size(const char *text, uint64_t *bytes);

#endif
