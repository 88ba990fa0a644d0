/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's saved register state and the switch between two of them.
 */
#ifndef ARCH_THREAD_H
#define ARCH_THREAD_H

#include <asm/thread.h>
#include <stddef.h>
#include <stdint.h>

/*
 * <asm/thread.h> provides struct arch_context (callee-saved state of a thread that does not
 * run, floating point included when it uses it).
 */

/* Size of every thread's stack in bytes, a multiple of the page size. */
#define THREAD_STACK_SIZE (16 * 1024)

/*
 * Make `ctx` start at entry(arg) on the stack that ends at `stack_top`, interrupts off.
 * entry must not return. Any context.
 */
void arch_context_init(struct arch_context *ctx, uintptr_t stack_top, void (*entry)(void *),
                       void *arg);

/*
 * Save the running thread in `prev`, continue `next`. Interrupts off; returns when `prev` is
 * switched to again, maybe on another CPU.
 */
void arch_context_switch(struct arch_context *prev, struct arch_context *next);

#endif
