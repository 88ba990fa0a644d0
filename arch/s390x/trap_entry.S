/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the CPU arrives at interruptions and how it goes back. Each kind saves the registers in
 * its own part of the lowcore and builds struct trap_frame (s390x.h) on the current stack. The
 * frame looks like one of the interrupted function, so that a backtrace goes through it.
 *
 * The way back runs without address translation for its last instructions: then the lowcore lies
 * at address 0, where registers and PSW are loaded without a base register.
 */
#include <asm/lowcore.h>

.macro BUILD_FRAME save, psw
    lgr %r11,%r15
    aghi %r15,-(STACK_FRAME_SIZE + FRAME_SIZE)
    la %r2,STACK_FRAME_SIZE(%r15)
    mvc FRAME_GPRS(128,%r2),\save(%r13)
    mvc FRAME_PSW(16,%r2),\psw(%r13)
    mvc FRAME_BACK_CHAIN(8,%r2),0(%r11)
    stg %r2,0(%r15)
    lgr %r11,%r2
.endm

.macro LEAVE exit
    llill %r13,LOWCORE_VIRT
    mvc \exit(128,%r13),FRAME_GPRS(%r11)
    mvc \exit+EXIT_PSW(16,%r13),FRAME_PSW(%r11)
    stnsm 8(%r15),0xfb
    lmg %r0,%r15,\exit(%r0)
    lpswe \exit+EXIT_PSW(%r0)
.endm

.macro INTERRUPTION name, save, old, handler, exit
    .globl \name
\name:
    stmg %r0,%r15,LOWCORE_VIRT+\save(%r0)
    llill %r13,LOWCORE_VIRT
    BUILD_FRAME \save, \old
    brasl %r14,\handler
    LEAVE \exit
.endm

    .text
    INTERRUPTION s390_external_entry, LOWCORE_SAVE_IRQ, LOWCORE_EXT_OLD, s390_external, LOWCORE_EXIT
    INTERRUPTION s390_io_entry, LOWCORE_SAVE_IRQ, LOWCORE_IO_OLD, s390_io, LOWCORE_EXIT
    INTERRUPTION s390_svc_entry, LOWCORE_SAVE_IRQ, LOWCORE_SVC_OLD, s390_svc, LOWCORE_EXIT
    INTERRUPTION s390_restart_entry, LOWCORE_SAVE_IRQ, LOWCORE_RESTART_OLD, s390_restart, LOWCORE_EXIT
    INTERRUPTION s390_mcheck_entry, LOWCORE_SAVE_MCHECK, LOWCORE_MCHECK_OLD, s390_mcheck, LOWCORE_EXIT_MCHECK

/*
 * A program check. Where the stack has no room for the frame, building it is the next program
 * check: the second one finds the byte set and reports the first one on another stack.
 */
    .globl s390_program_entry
s390_program_entry:
    tmy LOWCORE_VIRT+LOWCORE_ENTERING(%r0),0xff
    jnz stack_overflow
    mviy LOWCORE_VIRT+LOWCORE_ENTERING(%r0),0xff
    stmg %r0,%r15,LOWCORE_VIRT+LOWCORE_SAVE_PROGRAM(%r0)
    llill %r13,LOWCORE_VIRT
    mvc LOWCORE_PROGRAM_PSW(16,%r13),LOWCORE_PROGRAM_OLD(%r13)
    BUILD_FRAME LOWCORE_SAVE_PROGRAM, LOWCORE_PROGRAM_PSW
    mvi LOWCORE_ENTERING(%r13),0
    brasl %r14,s390_program_check
    LEAVE LOWCORE_EXIT

stack_overflow:
    llill %r13,LOWCORE_VIRT
    mvi LOWCORE_ENTERING(%r13),0
    lg %r15,LOWCORE_SPARE_STACK(%r13)
    aghi %r15,-STACK_FRAME_SIZE
    xc 0(8,%r15),0(%r15)
    BUILD_FRAME LOWCORE_SAVE_PROGRAM, LOWCORE_PROGRAM_PSW
    brasl %r14,s390_stack_overflow

    .section .note.GNU-stack, "", %progbits
