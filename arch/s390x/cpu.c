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
    FACILITY_RANDOM = 57, /* message-security assist, extension 5 */
    FACILITY_EDAT_2 = 78,
    FACILITY_NO_EXEC = 130,
    FACILITIES = 192,
};

struct s390_features s390_features;

/* Functions of PERFORM RANDOM NUMBER OPERATION. */
enum { PRNO_QUERY = 0, PRNO_TRUE_RANDOM = 114 };

static bool facility(const uint64_t *list, unsigned number)
{
    return list[number / 64] >> (63 - number % 64) & 1;
}

/* Is the function installed? Only the query says so. */
static bool has_true_random(void)
{
    uint64_t functions[2] = {0};
    register uint64_t function __asm__("0") = PRNO_QUERY;
    register void *block __asm__("1") = functions;

    __asm__ volatile(".insn rre,0xb93c0000,%%r2,%%r4"
                     : "+d"(function), "+a"(block)::"cc", "memory", "2", "3", "4", "5");
    return facility(functions, PRNO_TRUE_RANDOM);
}

void s390_features_find(void)
{
    uint64_t list[FACILITIES / 64] = {0};
    register uint64_t words __asm__("0") = FACILITIES / 64 - 1;

    __asm__ volatile("stfle %0" : "=Q"(list), "+d"(words)::"cc", "memory");
    s390_features.large_pages = facility(list, FACILITY_EDAT_1);
    s390_features.huge_pages = facility(list, FACILITY_EDAT_2);
    s390_features.no_exec = facility(list, FACILITY_NO_EXEC);
    s390_features.true_random = facility(list, FACILITY_RANDOM) && has_true_random();
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

uint64_t arch_random(void)
{
    uint64_t value = 0;
    register uint64_t function __asm__("0") = PRNO_TRUE_RANDOM;
    register uint64_t raw __asm__("2") = 0, raw_bytes __asm__("3") = 0;
    register void *conditioned __asm__("4") = &value;
    register uint64_t bytes __asm__("5") = sizeof(value);

    /* It may stop halfway and wants to be asked again then. */
    if (s390_features.true_random)
        __asm__ volatile("0: .insn rre,0xb93c0000,%%r2,%%r4\n jo 0b"
                         : "+d"(function), "+a"(raw), "+d"(raw_bytes), "+a"(conditioned),
                           "+d"(bytes)::"cc", "memory", "1");
    return value;
}
