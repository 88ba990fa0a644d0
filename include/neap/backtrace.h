/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walking the stack. Everything here may be called in any context, also in the middle of a
 * panic.
 */
#ifndef NEAP_BACKTRACE_H
#define NEAP_BACKTRACE_H

#include <stdbool.h>
#include <stdint.h>

/* The caller's own frame pointer, where a backtrace of it starts. */
uintptr_t frame_pointer(void);

/*
 * One step up the stack: reads the return address and the next frame pointer at `fp`. Returns
 * false at the end or when `fp` does not lie in mapped kernel stack memory.
 */
bool backtrace_step(uintptr_t *fp, uintptr_t *pc);

/*
 * Print a symbolised backtrace with log_emergency(): the place `pc` (0: none), and from frame
 * pointer `fp` on up.
 */
void backtrace_print(uintptr_t pc, uintptr_t fp);

#endif
