/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first instructions of the boot CPU and of those that it starts. Address translation is
 * off: the image lies at its own addresses.
 */
#include <asm/lowcore.h>

/* Where QEMU and other loaders of Linux leave the command line, and how much they may. */
#define PARAMETERS       0x400
#define CMDLINE_MAX      0x430
#define CMDLINE          0x480
#define CMDLINE_SIZE     1024

    .section .entry, "ax"
    .globl s390_entry, s390_cmdline
s390_entry:
    stckf LOWCORE_SAVE_IRQ(%r0)         /* .bss is cleared below */
    larl %r2,__bss_start
    larl %r3,__image_end
    sgr %r3,%r2
    lghi %r4,0
    lghi %r5,0
0:  mvcle %r2,%r4,0
    jo 0b
    larl %r15,s390_boot_stack_top
    aghi %r15,-STACK_FRAME_SIZE
    brasl %r14,set_stack_guard
    lg %r2,LOWCORE_SAVE_IRQ(%r0)
    brasl %r14,s390_boot

/*
 * SIGP restart of a CPU whose lowcore is filled in. Its control registers hold the address space
 * already when translation goes on.
 */
    .globl s390_secondary_entry
s390_secondary_entry:
    lctlg %c0,%c15,LOWCORE_CONTROL(%r0)
    lg %r15,LOWCORE_START_STACK(%r0)
    lg %r2,LOWCORE_SELF(%r0)
    brasl %r14,set_stack_guard
    larl %r1,translation_on
    lpswe 0(%r1)
1:  aghi %r15,-STACK_FRAME_SIZE
    xc 0(8,%r15),0(%r15)
    brasl %r14,s390_secondary_main

/* The stack protector looks 40 bytes behind what access registers 0 and 1 say. */
set_stack_guard:
    larl %r1,__stack_chk_guard
    aghi %r1,-40
    sar %a1,%r1
    srlg %r1,%r1,32
    sar %a0,%r1
    br %r14

    .balign 8
translation_on:
    .quad 0x0400000180000000, 1b

    .org PARAMETERS
    .org CMDLINE_MAX
    .quad CMDLINE_SIZE
    .org CMDLINE
s390_cmdline:
    .skip CMDLINE_SIZE

    .section .bss.page_aligned, "aw", %nobits
    .balign 0x1000
    .globl s390_boot_stack, s390_spare_stack_top
s390_boot_stack:                        /* its lowest page becomes a guard page */
    .skip 0x5000
s390_boot_stack_top:
    .skip 0x4000
s390_spare_stack_top:

    .section .note.GNU-stack, "", %progbits
