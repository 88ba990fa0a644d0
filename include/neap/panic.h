/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the line: our own invariants broken, or nothing sensible left to do.
 */
#ifndef NEAP_PANIC_H
#define NEAP_PANIC_H

#include <neap/compiler.h>
#include <stdbool.h>

/* Print the message, a symbolised backtrace and the last log lines; end with EXIT_STATUS_PANIC.
 */
void panic(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;

/* An invariant of our own code, checked in every build. Never for input. */
#define ASSERT(cond)                                                          \
    do {                                                                      \
        if (__builtin_expect(!(cond), 0))                                     \
            panic("assertion failed: %s (%s:%d)", #cond, __FILE__, __LINE__); \
    } while (0)

/* An invariant whose check costs too much for a release build. */
#ifdef NEAP_DEBUG
#define DEBUG_BUILD        true
#define DEBUG_ASSERT(cond) ASSERT(cond)
#else
#define DEBUG_BUILD        false
#define DEBUG_ASSERT(cond) ((void)sizeof(cond))
#endif

#endif
