/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traps: faults and exceptions, register dumps, backtraces.
 */
#ifndef ARCH_TRAP_H
#define ARCH_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trap_frame; /* the architecture's register save area */

/* Install the trap table on this CPU. Early, once per CPU, interrupts off. */
void arch_trap_init_cpu(void);

/* Print every register of `frame` through log_emergency(). Any context. */
void arch_trap_print(const struct trap_frame *frame);

uintptr_t arch_trap_pc(const struct trap_frame *frame);
/* Where a backtrace from `frame` starts. */
uintptr_t arch_trap_frame_pointer(const struct trap_frame *frame);
/* Where the return address of the frame at `fp` lies; `caller_fp` is what the frame begins
 * with. */
uintptr_t arch_return_address(uintptr_t fp, uintptr_t caller_fp);

/* Reads 8 bytes; false where that would trap. Any context after arch_trap_init_cpu(). */
bool arch_safe_read(uintptr_t address, uint64_t *value);

/*
 * Run fn(arg); if it traps, return the trap's code (>= 0) instead of panicking. -1: no trap.
 * For self-tests of protection; fn runs with interrupts on and must not sleep or nest.
 * *fault_address is exact where the CPU tells, else the start of its page.
 */
int arch_trap_expect(void (*fn)(void *), void *arg, uintptr_t *fault_address);

/* Upcall: a trap that no fixup handled. Prints everything and ends the machine. */
void panic_trap(struct trap_frame *frame, const char *name, uint64_t code, uintptr_t address)
    __attribute__((noreturn));

#endif
