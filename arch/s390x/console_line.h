/* SPDX-License-Identifier: BSD-2-Clause */
/* The contents of events of the operator's console, which works line by line. */
#ifndef CONSOLE_LINE_H
#define CONSOLE_LINE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Add a byte to the line. Returns the length of the message when the line is complete, else 0.
 * Under the console's lock, as the next.
 */
size_t console_line_add(char c);

/* Write the message about the complete line to `data`, of that length; begin a new line. */
void console_line_take(uint8_t *data);

/* A line was typed: hand it on. What makes no sense is dropped. Interrupt context. */
void console_line_input(const uint8_t *data, size_t length);

#endif
