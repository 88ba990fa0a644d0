/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this CPU can do, its protections, idling, and random numbers.
 */
#include "x86.h"
#include <arch/boot.h>
#include <arch/cpu.h>
#include <neap/format.h>

struct x86_features x86_features;

#define RDRAND_TRIES 10

void x86_features_find(void)
{
    uint32_t highest = cpuid(0, 0).eax;
    struct cpuid one = cpuid(1, 0);
    struct cpuid seven = {0};

    if (highest >= 7)
        seven = cpuid(7, 0);
    x86_features.pge = one.edx >> 13 & 1;
    x86_features.x2apic = one.ecx >> 21 & 1;
    x86_features.tsc_deadline = one.ecx >> 24 & 1;
    x86_features.rdrand = one.ecx >> 30 & 1;
    x86_features.hypervisor = one.ecx >> 31 & 1;
    x86_features.fsgsbase = seven.ebx >> 0 & 1;
    x86_features.smep = seven.ebx >> 7 & 1;
    x86_features.smap = seven.ebx >> 20 & 1;
    x86_features.umip = seven.ecx >> 2 & 1;
    x86_features.pages_1g = cpuid(0x80000001, 0).edx >> 26 & 1;
}

void x86_features_enable(void)
{
    uint64_t cr4 = cr4_read();

    if (x86_features.pge)
        cr4 |= CR4_PGE;
    if (x86_features.fsgsbase)
        cr4 |= CR4_FSGSBASE;
    if (x86_features.smep)
        cr4 |= CR4_SMEP;
    if (x86_features.smap)
        cr4 |= CR4_SMAP;
    if (x86_features.umip)
        cr4 |= CR4_UMIP;
    cr4_write(cr4);
}

void arch_cpu_idle(void)
{
    /* sti holds interrupts back for one instruction: none is lost before hlt. */
    __asm__ volatile("sti; hlt; cli" ::: "memory");
}

void arch_cpu_stop(void)
{
    for (;;)
        __asm__ volatile("cli; hlt" ::: "memory");
}

const char *arch_cpu_describe(void)
{
    static char text[96];

    format_string(text, sizeof(text), "x86_64%s%s%s%s, %s, %s, %s timer",
                  x86_features.smep || x86_features.smap || x86_features.umip ? "," : "",
                  x86_features.smep ? " SMEP" : "", x86_features.smap ? " SMAP" : "",
                  x86_features.umip ? " UMIP" : "",
                  x86_features.pages_1g ? "1 GiB pages" : "2 MiB pages",
                  x86_features.x2apic ? "x2APIC" : "xAPIC",
                  x86_features.tsc_deadline ? "TSC-deadline" : "one-shot");
    return text;
}

uint64_t arch_random(void)
{
    uint64_t value = 0;
    bool ok = !x86_features.rdrand;

    for (unsigned i = 0; !ok && i < RDRAND_TRIES; i++)
        __asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(ok));
    return value;
}
