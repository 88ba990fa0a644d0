/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small things every file needs: attributes, arithmetic, container access.
 */
#ifndef NEAP_COMPILER_H
#define NEAP_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(array)    (sizeof(array) / sizeof((array)[0]))
#define ALIGN_UP(x, align)   (((x) + (align)-1) & ~((__typeof__(x))(align)-1))
#define ALIGN_DOWN(x, align) ((x) & ~((__typeof__(x))(align)-1))
#define IS_ALIGNED(x, align) (((x) & ((__typeof__(x))(align)-1)) == 0)
#define MIN(a, b)            ((a) < (b) ? (a) : (b))
#define MAX(a, b)            ((a) > (b) ? (a) : (b))

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN               __attribute__((noreturn))
#define MUST_CHECK             __attribute__((warn_unused_result))
#define UNUSED                 __attribute__((unused))

/* Accesses that another CPU, an interrupt or a device may race with: exactly one each. */
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* Put a constant entry into a table that the linker collects (boot/tables.lds). */
#define LINKER_TABLE_ENTRY(table) __attribute__((used, section(".table." #table), aligned(8)))

#endif
