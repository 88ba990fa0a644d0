/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console: what log, shell and libc write to and read from.
 */
#ifndef NEAP_CONSOLE_H
#define NEAP_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Write bytes; '\n' becomes CR LF. Lines of different writers do not mix. Any context. */
void console_write(const char *text, size_t length);

/* The same without locks: panics. */
void console_write_emergency(const char *text, size_t length);

/*
 * Wait for typed bytes and take up to `size` of them. Returns how many (>= 1), or -ETIMEDOUT.
 * Thread context.
 */
int console_read(char *buffer, size_t size, uint64_t timeout_ns);

/* Would console_read() return at once? Any context. */
bool console_has_input(void);

/* Call fn whenever a byte was typed, from interrupt context. One listener, for ever. */
void console_on_input(void (*fn)(void));

/*
 * For work that takes long: was Ctrl-C typed meanwhile? It is taken out of the input then, and
 * with it what was typed before it. Any context.
 */
bool console_interrupted(void);

#endif
