/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The requests that open files understand.
 */
#ifndef LIBC_SYS_IOCTL_H
#define LIBC_SYS_IOCTL_H

#include <sys/cdefs.h>

#define FIONREAD 0x541b
#define FIONBIO  0x5421

__BEGIN_DECLS
int ioctl(int fd, unsigned long request, ...);
__END_DECLS

#endif
