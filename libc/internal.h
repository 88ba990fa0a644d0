/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of libc/ share.
 */
#ifndef LIBC_INTERNAL_H
#define LIBC_INTERNAL_H

/* Let the calling thread use newlib's own, statically allocated state. */
void reent_use_global(void);

#endif
