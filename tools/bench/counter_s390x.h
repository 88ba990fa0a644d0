/* SPDX-License-Identifier: BSD-2-Clause */
/* What counts instructions under -icount: 4.096 times each, for a nanosecond has so many units.
 */
#include <stdint.h>

static inline uint64_t counter(void)
{
    uint64_t clock;

    __asm__ volatile("stckf %0" : "=Q"(clock)::"cc");
    return clock;
}
