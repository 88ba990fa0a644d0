/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monotonic clock on the time-of-day clock, and the clock comparator of each CPU.
 */
#include "s390x.h"
#include <arch/clock.h>
#include <neap/log.h>

/* 4096 units make 1000 ns: 512 make 125. */
#define UNITS_SHIFT 9
#define UNITS_NS    125

/* Midnight 1970-01-01 in units since 1900-01-01. */
#define TOD_OF_1970 UINT64_C(0x7d91048bca000000)

#define NEVER UINT64_MAX
/* Nine years: what is further away comes early, instead of overflowing. */
#define DEADLINE_MAX_NS (UINT64_C(1) << 58)

uint64_t s390_entry_tod;

void arch_clock_init(void)
{
    log_info("clock", "TOD clock and clock comparator");
}

uint64_t arch_cycles_to_ns(uint64_t cycles)
{
    return (cycles >> UNITS_SHIFT) * UNITS_NS +
           ((cycles & ((1u << UNITS_SHIFT) - 1)) * UNITS_NS >> UNITS_SHIFT);
}

uint64_t arch_clock_ns(void)
{
    return arch_cycles_to_ns(arch_cycles() - s390_entry_tod);
}

uint64_t arch_wall_clock_ns(void)
{
    return arch_cycles_to_ns(arch_cycles() - TOD_OF_1970);
}

static void set_comparator(uint64_t tod)
{
    __asm__ volatile("sckc %0" ::"Q"(tod) : "memory");
}

void arch_timer_init_cpu(void)
{
    set_comparator(NEVER);
}

void arch_timer_set(uint64_t deadline_ns)
{
    uint64_t ns = MIN(deadline_ns, DEADLINE_MAX_NS);

    /* One more unit: the rounded-down value must not be reached too early. */
    set_comparator(deadline_ns == UINT64_MAX
                       ? NEVER
                       : s390_entry_tod + 1 + (ns / UNITS_NS << UNITS_SHIFT) +
                             (ns % UNITS_NS << UNITS_SHIFT) / UNITS_NS);
}
