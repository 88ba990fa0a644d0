/* SPDX-License-Identifier: BSD-2-Clause */
/* The time stamp counter. */
#ifndef ASM_CLOCK_H
#define ASM_CLOCK_H

#include <stdint.h>

static inline uint64_t arch_cycles(void)
{
    uint32_t low, high;

    /* lfence: rdtsc alone may be executed ahead of earlier loads, and time would step back. */
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

#endif
