/* SPDX-License-Identifier: BSD-2-Clause */
/* The time-of-day clock: 4096 units a microsecond, the same on every CPU. */
#ifndef ASM_CLOCK_H
#define ASM_CLOCK_H

#include <stdint.h>

static inline uint64_t arch_cycles(void)
{
    uint64_t tod;

    __asm__ volatile("stckf %0" : "=Q"(tod)::"memory", "cc");
    return tod;
}

#endif
