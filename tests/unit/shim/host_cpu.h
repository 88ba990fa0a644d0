/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: the few lines that depend on the CPU that runs them (host_<arch>.c). */
#ifndef HOST_CPU_H
#define HOST_CPU_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Save the registers that a callee keeps on the stack, its pointer at *save, and go on with the
 * stack whose pointer was saved as `load`. The C library's swapcontext() would do, but the
 * sanitizer warns about it at every use.
 */
void shim_switch_stack(void **save, void *load);

/* What to load for a stack that never ran, which ends at `top`: it begins with entry(). */
void *shim_first_frame(void *top, void (*entry)(void));

/* Was the access a write that SIGSEGV's handler got `context` for? */
bool shim_was_write(uintptr_t va, const void *context);

#endif
