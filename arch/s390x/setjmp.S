/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * setjmp() and longjmp() of the C library, which does not know this architecture: the registers
 * that a function keeps for its caller (jmp_buf has room for 18).
 */
    .text
    .globl setjmp, longjmp

.macro FPRS instruction
    .irp number, 8,9,10,11,12,13,14,15
    \instruction %f\number,80+8*(\number-8)(%r2)
    .endr
.endm

    .balign 16
setjmp:
    stmg %r6,%r15,0(%r2)
    FPRS std
    lghi %r2,0
    br %r14

    .balign 16
longjmp:
    lmg %r6,%r15,0(%r2)
    FPRS ld
    ltgr %r2,%r3
    bnzr %r14
    lghi %r2,1
    br %r14

    .section .note.GNU-stack, "", %progbits
