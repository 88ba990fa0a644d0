/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kernel functions need to run in a user-space harness: the kernel's basic types and a
 * reporter. A harness includes this, its own model of the device, then "extracted.h": the
 * kernel's own text.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef uint64_t phys_addr_t;
typedef uint64_t resource_size_t;
typedef unsigned int gfp_t;

#define __iomem
#define __user
#define GFP_ATOMIC                      0u
#define GFP_KERNEL                      0u
#define PAGE_SIZE                       4096u
#define ETH_ALEN                        6
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define smp_wmb()                       __atomic_thread_fence(__ATOMIC_RELEASE)
#define le32_to_cpu(value)              (value)
#define max(a, b)                       ((a) > (b) ? (a) : (b))
#define max_t(type, a, b)               ((type)(a) > (type)(b) ? (type)(a) : (type)(b))
#define min(a, b)                       ((a) < (b) ? (a) : (b))

typedef int irqreturn_t;
enum { IRQ_NONE, IRQ_HANDLED };

static int harness_checks;
static int harness_failed;

/* One line of KTAP; the runner knows which ones must fail on the unpatched source. */
static inline void check(bool ok, const char *name)
{
    harness_failed += !ok;
    printf("%s %d - %s\n", ok ? "ok" : "not ok", ++harness_checks, name);
}

static inline int harness_done(void)
{
    printf("1..%d\n", harness_checks);
    return harness_failed != 0;
}

#endif
