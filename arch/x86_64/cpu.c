/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this CPU can do, its protections, idling, and start-up randomness.
 */
#include "x86.h"
#include <arch/boot.h>
#include <arch/clock.h>
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

static bool rdrand(uint64_t *value)
{
    for (unsigned i = 0; i < RDRAND_TRIES; i++) {
        bool ok;

        __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ok));
        if (ok)
            return true;
    }
    return false;
}

/* The finaliser of splitmix64: every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t arch_entropy(void)
{
    static uint64_t pool;
    uint64_t hardware = 0;

    if (x86_features.rdrand)
        rdrand(&hardware);
    /* Racing callers may mix in the same pool: the counter and RDRAND still tell them apart. */
    pool = mix(pool + UINT64_C(0x9e3779b97f4a7c15)) ^ hardware;
    return mix(pool ^ arch_cycles());
}
