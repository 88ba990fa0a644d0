/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this CPU can do, and idling.
 */
#include "s390x.h"
#include <arch/boot.h>
#include <arch/cpu.h>
#include <neap/format.h>

enum {
    FACILITY_EDAT_1 = 8,
    FACILITY_EDAT_2 = 78,
    FACILITY_NO_EXEC = 130,
    FACILITIES = 192,
};

struct s390_features s390_features;

static bool facility(const uint64_t *list, unsigned number)
{
    return list[number / 64] >> (63 - number % 64) & 1;
}

void s390_features_find(void)
{
    uint64_t list[FACILITIES / 64] = {0};
    register uint64_t words __asm__("0") = FACILITIES / 64 - 1;

    __asm__ volatile("stfle %0" : "=Q"(list), "+d"(words)::"cc", "memory");
    s390_features.large_pages = facility(list, FACILITY_EDAT_1);
    s390_features.huge_pages = facility(list, FACILITY_EDAT_2);
    s390_features.no_exec = facility(list, FACILITY_NO_EXEC);
}

uint64_t s390_control0(void)
{
    return CR0_LOW_PROTECTION | (s390_features.large_pages ? CR0_EDAT : 0) | CR0_AFP |
           CR0_EMERGENCY | CR0_COMPARATOR | CR0_SERVICE |
           (s390_features.no_exec ? CR0_NO_EXEC : 0);
}

void arch_cpu_idle(void)
{
    struct psw wait = {PSW_KERNEL | PSW_IO | PSW_EXT | PSW_WAIT, 0};

    /* Enabling and waiting are one instruction; the interrupt ends the wait (s390_end_wait()).
     */
    __asm__ volatile("larl %%r1,0f; stg %%r1,8+%0; lpswe %0; 0:"
                     : "+Q"(wait)::"r1", "memory", "cc");
}

void arch_cpu_stop(void)
{
    static const struct psw stop = {PSW_64BIT | PSW_WAIT, 0xbad};

    for (;;)
        __asm__ volatile("lpswe %0" ::"Q"(stop) : "memory");
}

const char *arch_cpu_describe(void)
{
    static char text[96];

    format_string(text, sizeof(text), "s390x, %s pages%s",
                  s390_features.huge_pages    ? "2 GiB"
                  : s390_features.large_pages ? "1 MiB"
                                              : "4 KiB",
                  s390_features.no_exec ? ", no-execute" : "");
    return text;
}

/* Only the message-security assist has some, and that is an extension of its own (PRNO). */
uint64_t arch_random(void)
{
    return 0;
}
