/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing the stack: from thread to thread, and back out of an expected trap.
 */
#include <asm/lowcore.h>

#define CONTEXT_FPRS 80
#define CONTEXT_FPC  208

.macro FPRS instruction, base
    .irp number, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    \instruction %f\number,CONTEXT_FPRS+8*\number(\base)
    .endr
.endm

    .text
    .globl arch_context_switch, s390_context_start
    .globl s390_expect_call, s390_expect_landing
    .globl arch_safe_read, arch_safe_read_access, arch_safe_read_failed

/* void arch_context_switch(struct arch_context *prev, struct arch_context *next) */
    .balign 16
arch_context_switch:
    stmg %r6,%r15,0(%r2)
    FPRS std, %r2
    stfpc CONTEXT_FPC(%r2)
    FPRS ld, %r3
    lfpc CONTEXT_FPC(%r3)
    lmg %r6,%r15,0(%r3)
    br %r14

/* A new thread's first switch returns here, with what arch_context_init() left in registers. */
    .balign 16
s390_context_start:
    lgr %r2,%r7
    basr %r14,%r6
    .short 0                            /* no instruction: nobody returns here */

/*
 * int s390_expect_call(void (*fn)(void *), void *arg, uint64_t *stack)
 * Returns -1, or the code of the trap that ended fn: the handler then continues at
 * s390_expect_landing with *stack as the stack pointer and the code in register 2.
 */
    .balign 16
s390_expect_call:
    stmg %r6,%r15,48(%r15)
    lgr %r1,%r15
    aghi %r15,-STACK_FRAME_SIZE
    stg %r1,0(%r15)
    stg %r15,0(%r4)
    lgr %r1,%r2
    lgr %r2,%r3
    basr %r14,%r1
    lghi %r2,-1
s390_expect_landing:
    lmg %r6,%r15,48+STACK_FRAME_SIZE(%r15)
    br %r14

/* bool arch_safe_read(uintptr_t address, uint64_t *value): false where a read would trap. */
    .balign 16
arch_safe_read:
arch_safe_read_access:
    lg %r1,0(%r2)
    stg %r1,0(%r3)
    lghi %r2,1
    br %r14
arch_safe_read_failed:
    lghi %r2,0
    br %r14

    .section .note.GNU-stack, "", %progbits
