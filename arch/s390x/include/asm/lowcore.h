/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lowcore: the two pages at real address 0 where the CPU leaves what happened and finds
 * where to go on. Prefixing gives every CPU its own. Also read by the assembler: numbers only.
 *
 * Code with address translation sees it at LOWCORE_VIRT: low enough that an instruction
 * reaches it without a base register, high enough that a null pointer does not.
 */
#ifndef ASM_LOWCORE_H
#define ASM_LOWCORE_H

#define LOWCORE_VIRT 0x8000
#define LOWCORE_SIZE 0x2000

/* Architected. */
#define LOWCORE_PROGRAM_OLD 0x150
#define LOWCORE_EXT_OLD     0x130
#define LOWCORE_SVC_OLD     0x140
#define LOWCORE_MCHECK_OLD  0x160
#define LOWCORE_IO_OLD      0x170
#define LOWCORE_RESTART_OLD 0x120

/* The kernel's own. */
#define LOWCORE_SAVE_PROGRAM 0x200 /* general registers at a program check */
#define LOWCORE_SAVE_IRQ     0x280 /* ... at an interrupt */
#define LOWCORE_SAVE_MCHECK  0x300 /* ... at a machine check */
#define LOWCORE_EXIT         0x380 /* registers and PSW on the way back */
#define LOWCORE_EXIT_MCHECK  0x410
#define LOWCORE_PROGRAM_PSW  0x4a0 /* old PSW of the program check being entered */
#define LOWCORE_SELF         0x4b0 /* struct cpu of this CPU */
#define LOWCORE_START_STACK  0x4b8 /* stack of a CPU that is being started */
#define LOWCORE_SPARE_STACK  0x4c0 /* for the report of a stack overflow */
#define LOWCORE_ENTERING     0x4c8 /* a byte: the entry of a program check is under way */
#define LOWCORE_CONTROL      0x500 /* control registers of a CPU that is being started */

/* All of a CPU's state, kept over a reset of the machine (reset.S); the CPU's own prefix area.
 */
#define LOWCORE_STATE     0x600
#define STATE_GPRS        (LOWCORE_STATE + 0)
#define STATE_CONTROL     (LOWCORE_STATE + 128)
#define STATE_FPRS        (LOWCORE_STATE + 256)
#define STATE_ACCESS      (LOWCORE_STATE + 384)
#define STATE_PSW         (LOWCORE_STATE + 448)
#define STATE_COMPARATOR  (LOWCORE_STATE + 464)
#define STATE_TIMER       (LOWCORE_STATE + 472)
#define STATE_PREFIX      (LOWCORE_STATE + 480)
#define STATE_FPC         (LOWCORE_STATE + 484)
#define STATE_PARKED      (LOWCORE_STATE + 488) /* a byte */
#define STATE_PROGRAM_PSW (LOWCORE_STATE + 496) /* of absolute storage, while it is another */
#define STATE_CHECK       (LOWCORE_STATE + 512) /* control registers, read back */

#define EXIT_PSW 128 /* behind the registers */

/* struct trap_frame. */
#define FRAME_BACK_CHAIN 0
#define FRAME_PSW        104
#define FRAME_GPRS       120
#define FRAME_SIZE       248

#define STACK_FRAME_SIZE 160 /* what every caller leaves for its callee */

#endif
