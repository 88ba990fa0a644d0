/* SPDX-License-Identifier: BSD-2-Clause */
/* The saved state of a thread that does not run. */
#ifndef ASM_THREAD_H
#define ASM_THREAD_H

#include <stdint.h>

/*
 * The callee-saved registers lie on the thread's own stack. The floating-point area is what
 * fxsave writes; context.S knows both offsets.
 */
struct arch_context {
    uint64_t rsp;
    uint8_t fpu[512] __attribute__((aligned(16)));
};

#endif
