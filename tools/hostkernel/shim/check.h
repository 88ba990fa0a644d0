/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For proofs that check many properties in a row, where no wait can hang: kernel.h and a
 * reporter that prints one KTAP line for each, plus the types of memory-mapped registers and
 * interrupts.
 */
#ifndef HOSTKERNEL_SHIM_CHECK_H
#define HOSTKERNEL_SHIM_CHECK_H

#include <sys/types.h>

#include "kernel.h"

typedef uint64_t phys_addr_t;
typedef int irqreturn_t;
enum { IRQ_NONE, IRQ_HANDLED };

#define __iomem
#define __user
#define GFP_ATOMIC         0
#define PAGE_SIZE          4096u
#define ETH_ALEN           6
#define smp_wmb()          __atomic_thread_fence(__ATOMIC_RELEASE)
#define le32_to_cpu(value) (value)

static int checks_done;
static int checks_failed;

/* One line of KTAP. A name that begins with "still" holds on the untouched source too. */
static inline void check(bool holds, const char *name)
{
    checks_failed += !holds;
    printf("%s %d %s\n", holds ? "ok" : "not ok", ++checks_done, name);
    fflush(stdout);
}

/* Print the plan; returns main()'s exit status. */
static inline int checks_end(void)
{
    printf("1..%d\n", checks_done);
    return checks_failed != 0;
}

#endif
