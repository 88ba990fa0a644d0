/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Through a reset of the machine and back (DIAGNOSE 0x308, subcodes 0 and 1). Each CPU keeps its
 * state in its own lowcore. The one that asks for the reset comes back through the short PSW at
 * absolute address 0, with nothing but memory left; the others wait here meanwhile and are
 * restarted. Everything runs without address translation, where the lowcore is at address 0.
 */
#include <asm/lowcore.h>

#define CONTROL_0_LOW_PROTECTION_BYTE 4 /* of the register, and the other bits there */
#define NOT_LOW_PROTECTION            0xef
#define PROGRAM_NEW                   0x1d0
#define PROGRAM_CODE                  0x8e
#define SET_ARCHITECTURE              0x12

.macro FPRS instruction
    .irp number, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    \instruction %f\number,STATE_FPRS+8*\number(%r0)
    .endr
.endm

.macro SAVE_STATE
    stmg %r0,%r15,STATE_GPRS(%r0)
    stctg %c0,%c15,STATE_CONTROL(%r0)
    FPRS std
    stam %a0,%a15,STATE_ACCESS(%r0)
    stckc STATE_COMPARATOR(%r0)
    stpt STATE_TIMER(%r0)
    stpx STATE_PREFIX(%r0)
    stfpc STATE_FPC(%r0)
.endm

/* Translation goes on again with the PSW. */
.macro RESTORE_STATE
    lctlg %c0,%c15,STATE_CONTROL(%r0)
    stctg %c0,%c15,STATE_CHECK(%r0)
    clc STATE_CONTROL(128,%r0),STATE_CHECK(%r0)
    jne stop
    FPRS ld
    lam %a0,%a15,STATE_ACCESS(%r0)
    sckc STATE_COMPARATOR(%r0)
    spt STATE_TIMER(%r0)
    lfpc STATE_FPC(%r0)
    lmg %r0,%r15,STATE_GPRS(%r0)
    lpswe STATE_PSW(%r0)
.endm

    .text
    .globl s390_reset_machine, s390_park_entry, s390_unpark_entry
    .globl s390_reset_landing, s390_reset_found

/* int s390_reset_machine(uint64_t subcode, uint64_t short_psw): see s390x.h */
    .balign 16
s390_reset_machine:
    larl %r5,system_mask
    stnsm 0(%r5),0xfb                   /* translation off */
    SAVE_STATE
    larl %r5,resumed_psw
    mvc STATE_PSW(8,%r0),0(%r5)
    stg %r14,STATE_PSW+8(%r0)
    llgf %r4,STATE_PREFIX(%r0)
    larl %r5,own_prefix
    st %r4,0(%r5)

    /* Reverse prefixing: absolute address 0 is where this CPU's prefix points at. */
    larl %r5,control_0
    mvc 0(8,%r5),STATE_CONTROL(%r0)
    ni CONTROL_0_LOW_PROTECTION_BYTE(%r5),NOT_LOW_PROTECTION
    lctlg %c0,%c0,0(%r5)
    stg %r3,0(%r4)
    mvc STATE_PROGRAM_PSW(16,%r0),PROGRAM_NEW(%r4)
    larl %r5,checked_psw
    mvc PROGRAM_NEW(16,%r4),0(%r5)
    lghi %r6,0
    diag %r6,%r2,0x308
    lghi %r2,-1                         /* nothing happened */
    j restore

/* The short PSW led here: no register holds anything. */
    .balign 8
s390_reset_landing:
    larl %r1,s390_reset_found
    stctg %c0,%c15,0(%r1)
    stpx 136(%r1)
    epsw %r2,%r3
    st %r2,128(%r1)
    st %r3,132(%r1)
    lghi %r0,0
    lghi %r1,1                          /* a CPU may come out of a reset without 64-bit registers */
    sigp %r0,%r0,SET_ARCHITECTURE
    sam64
    lghi %r2,0
    j restore

/* ... or a program check did. */
checked:
    llgh %r2,PROGRAM_CODE(%r0)

restore:
    larl %r1,own_prefix
    llgf %r4,0(%r1)
    spx 0(%r1)
    stg %r2,STATE_GPRS+16(%r0)
    mvc PROGRAM_NEW(16,%r4),STATE_PROGRAM_PSW(%r0)
    RESTORE_STATE

/* Without its address space no CPU can go on, nor say so. */
stop:
    larl %r1,stop_psw
    lpswe 0(%r1)

/* A restart interruption of another CPU: it stays until it is reset and restarted. */
    .balign 8
s390_park_entry:
    SAVE_STATE
    mvc STATE_PSW(16,%r0),LOWCORE_RESTART_OLD(%r0)
    mvi STATE_PARKED(%r0),1
0:  j 0b

    .balign 8
s390_unpark_entry:
    mvi STATE_PARKED(%r0),0
    RESTORE_STATE

    .section .rodata
    .balign 8
resumed_psw:
    .quad 0x0404000180000000            /* translation, machine checks, 64 bits */
checked_psw:
    .quad 0x0000000180000000, checked
stop_psw:
    .quad 0x0002000180000000, 5         /* the host takes it for a panic */

    .section .bss
    .balign 8
control_0:
    .skip 8
own_prefix:
    .skip 4
system_mask:
    .skip 4
/* struct reset_found: control registers, PSW mask, prefix. */
s390_reset_found:
    .skip 144

    .section .note.GNU-stack, "", %progbits
