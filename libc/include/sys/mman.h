/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory mappings for applications: anonymous private memory. There are no files to map, and
 * nobody to share with but the application's own threads, which see all of it anyway.
 *
 * Mapping memory that may be used promises it, so mmap() and mprotect() fail with ENOMEM where
 * another system would end the application later. A mapping without any access (PROT_NONE) only
 * takes addresses; mprotect() of a part of it then promises that part.
 */
#ifndef _SYS_MMAN_H
#define _SYS_MMAN_H

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writing and executing exclude each other: EACCES. */
#define PROT_NONE  0
#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4

#define MAP_SHARED          0x01 /* refused: ENOTSUP */
#define MAP_PRIVATE         0x02
#define MAP_FIXED           0x10
#define MAP_ANONYMOUS       0x20
#define MAP_ANON            MAP_ANONYMOUS
#define MAP_NORESERVE       0x4000  /* no effect: memory is promised */
#define MAP_POPULATE        0x8000  /* as MADV_WILLNEED */
#define MAP_STACK           0x20000 /* no effect */
#define MAP_FIXED_NOREPLACE 0x100000

#define MAP_FAILED ((void *)-1)

#define MS_ASYNC      1
#define MS_INVALIDATE 2
#define MS_SYNC       4

#define MADV_NORMAL     0
#define MADV_RANDOM     1
#define MADV_SEQUENTIAL 2
#define MADV_WILLNEED   3  /* back it with memory now */
#define MADV_DONTNEED   4  /* give the memory back, zero at the next touch */
#define MADV_FREE       8  /* as MADV_DONTNEED */
#define MADV_HUGEPAGE   14 /* large pages come by themselves */
#define MADV_NOHUGEPAGE 15

void *mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset);
int munmap(void *address, size_t length);
int mprotect(void *address, size_t length, int prot);
int madvise(void *address, size_t length, int advice);
int msync(void *address, size_t length, int flags);

#ifdef __cplusplus
}
#endif

#endif
