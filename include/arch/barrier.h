/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory barriers. The device forms order accesses as seen by a device on another physical
 * CPU (the host), so they stay real barriers even on a uniprocessor guest.
 */
#ifndef ARCH_BARRIER_H
#define ARCH_BARRIER_H

/*
 * <asm/barrier.h> provides, inline:
 *   void barrier_full(void)     all earlier accesses before all later ones
 *   void barrier_read(void)     loads before loads
 *   void barrier_write(void)    stores before stores
 */
#include <asm/barrier.h>

/* Keep the compiler from moving accesses across this point. */
static inline void barrier_compiler(void)
{
    __asm__ volatile("" ::: "memory");
}

#endif
