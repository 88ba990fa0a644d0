/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: one cycle is one nanosecond of the virtual clock. */
#ifndef ASM_CLOCK_H
#define ASM_CLOCK_H

#include <stdint.h>

extern uint64_t shim_clock_ns;

static inline uint64_t arch_cycles(void)
{
    return shim_clock_ns;
}

#endif
