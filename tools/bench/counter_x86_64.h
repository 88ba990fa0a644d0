/* SPDX-License-Identifier: BSD-2-Clause */
/* What counts instructions under -icount: once each, here. */
#include <stdint.h>
#include <x86intrin.h>

static inline uint64_t counter(void)
{
    return __rdtsc();
}
