/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console device: bytes out, bytes in.
 */
#ifndef ARCH_CONSOLE_H
#define ARCH_CONSOLE_H

/* Make output work. First thing at start-up, before memory and traps; also after a panic. */
void arch_console_init(void);

/* Write one byte, waiting for room a bounded time. Any context. */
void arch_console_putc(char c);

/* Start delivering input through console_input(). Once, after arch_platform_init(). */
void arch_console_enable_input(void);

/* Upcall: a byte was typed. Interrupt context. */
void console_input(char c);

#endif
