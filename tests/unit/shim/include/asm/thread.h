/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: threads are coroutines; their context lives in the shim. */
#ifndef ASM_THREAD_H
#define ASM_THREAD_H

struct arch_context {
    int unused;
};

#endif
