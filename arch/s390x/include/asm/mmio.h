/* SPDX-License-Identifier: BSD-2-Clause */
/* No device of this architecture has its registers in memory. */
#ifndef ASM_MMIO_H
#define ASM_MMIO_H

#endif
