/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monotonic clock on the time stamp counter, and the deadline timer of each CPU.
 */
#include "calibrate.h"
#include "lapic.h"
#include "x86.h"
#include <arch/clock.h>
#include <neap/compiler.h>
#include <neap/log.h>
#include <neap/timer.h>

#define FRACTION_BITS 32
/* Cycles per ns need fewer fraction bits, so that no CPU's frequency overflows 64 bits. */
#define CYCLE_FRACTION_BITS 28

#define HYPERVISOR_LEAF      0x40000000u
#define HYPERVISOR_FREQUENCY 0x40000010u

/* Two years: what is further away comes early, instead of overflowing in cycles. */
#define DEADLINE_MAX_NS (UINT64_C(1) << 56)

#define FREQUENCY_MIN UINT64_C(10000000)     /* 10 MHz: less is nonsense */
#define FREQUENCY_MAX UINT64_C(100000000000) /* 100 GHz */

uint64_t x86_entry_cycles;

static uint64_t ns_per_cycle;  /* fixed point; 0 until the frequency is known */
static uint64_t cycles_per_ns; /* fixed point */
static uint64_t ticks_per_ns;  /* LAPIC timer, fixed point */
static bool use_deadline;

static uint64_t multiply_shift(uint64_t value, uint64_t factor, unsigned shift)
{
    return (uint64_t)((unsigned __int128)value * factor >> shift);
}

/* The TSC's frequency as the CPU or the hypervisor tells it, 0: they do not. */
static uint64_t frequency_from_cpuid(void)
{
    if (cpuid(0, 0).eax >= 0x15) {
        struct cpuid ratio = cpuid(0x15, 0);

        if (ratio.eax && ratio.ebx && ratio.ecx)
            return (uint64_t)ratio.ecx * ratio.ebx / ratio.eax;
    }
    if (x86_features.hypervisor && cpuid(HYPERVISOR_LEAF, 0).eax >= HYPERVISOR_FREQUENCY)
        return (uint64_t)cpuid(HYPERVISOR_FREQUENCY, 0).eax * 1000;
    return 0;
}

void arch_clock_init(void)
{
    uint64_t frequency = frequency_from_cpuid();
    uint64_t timer_frequency = 0;
    const char *source = "CPUID";

    if (frequency < FREQUENCY_MIN || frequency > FREQUENCY_MAX)
        frequency = 0;
    use_deadline = x86_features.tsc_deadline;
    if (!frequency || !use_deadline) {
        struct calibration found;

        calibrate(&found);
        timer_frequency = found.timer_frequency;
        if (!frequency) {
            frequency = MAX(MIN(found.tsc_frequency, FREQUENCY_MAX), FREQUENCY_MIN);
            source = found.source;
        }
    }
    ticks_per_ns = (timer_frequency << FRACTION_BITS) / NS_PER_S;
    cycles_per_ns = (frequency / 1000 << CYCLE_FRACTION_BITS) / (NS_PER_S / 1000);
    ns_per_cycle = (NS_PER_S << FRACTION_BITS) / frequency;
    log_info("clock", "TSC at %llu MHz from %s", (unsigned long long)frequency / 1000000,
             source);
}

uint64_t arch_cycles_to_ns(uint64_t cycles)
{
    return multiply_shift(cycles, ns_per_cycle, FRACTION_BITS);
}

uint64_t arch_clock_ns(void)
{
    return arch_cycles_to_ns(arch_cycles() - x86_entry_cycles);
}

void arch_timer_init_cpu(void)
{
    lapic_timer_setup(use_deadline, VECTOR_TIMER);
}

static void set_deadline(uint64_t deadline_ns)
{
    uint64_t cycles = 0; /* disarms */

    if (deadline_ns != UINT64_MAX)
        /* One more cycle: the rounded-down value must not be reached too early. */
        cycles = x86_entry_cycles + 1 +
                 multiply_shift(MIN(deadline_ns, DEADLINE_MAX_NS), cycles_per_ns,
                                CYCLE_FRACTION_BITS);
    msr_write(MSR_TSC_DEADLINE, cycles);
}

static void set_one_shot(uint64_t deadline_ns)
{
    uint64_t now = arch_clock_ns();
    uint64_t ticks = 0; /* disarms */

    if (deadline_ns != UINT64_MAX) {
        uint64_t delta = deadline_ns > now ? deadline_ns - now : 0;

        /* A timer that ends too early is set again; a far one takes what the register holds. */
        ticks = MIN(multiply_shift(delta, ticks_per_ns, FRACTION_BITS) + 1, UINT32_MAX);
    }
    lapic_timer_start((uint32_t)ticks);
}

void arch_timer_set(uint64_t deadline_ns)
{
    if (use_deadline)
        set_deadline(deadline_ns);
    else
        set_one_shot(deadline_ns);
}
