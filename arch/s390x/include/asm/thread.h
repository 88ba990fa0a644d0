/* SPDX-License-Identifier: BSD-2-Clause */
/* The saved state of a thread that does not run. */
#ifndef ASM_THREAD_H
#define ASM_THREAD_H

#include <stdint.h>

/* context.S knows the offsets. Vector registers are switched off (CR0). */
struct arch_context {
    uint64_t gprs[10]; /* 6 to 15 */
    uint64_t fprs[16];
    uint32_t fpc;
};

#endif
