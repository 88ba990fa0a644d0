/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One window of about a millisecond measures the TSC and the APIC timer together, against the
 * ACPI timer, or where there is none, against the PIT.
 */
#include "calibrate.h"
#include "acpi.h"
#include "lapic.h"
#include "x86.h"
#include <arch/clock.h>
#include <neap/compiler.h>
#include <neap/log.h>

#define PM_TIMER_HZ 3579545
#define PIT_HZ      1193182

#define PIT_CHANNEL2   0x42
#define PIT_COMMAND    0x43
#define PIT_START      0xb0 /* channel 2, both bytes, count down once */
#define PIT_LATCH      0x80
#define SPEAKER        0x61
#define SPEAKER_GATE   0x01
#define SPEAKER_OUTPUT 0x02

/* A reference that stands still must not hold the start up: a read takes about 1 us. */
#define READS_MAX 200000
/* Of several readings at each end the tightest counts: the host may interrupt any of them. */
#define READINGS 5

#define TSC_GUESS   UINT64_C(1000000000)
#define TIMER_GUESS UINT64_C(62500000)

struct reference {
    const char *name;
    uint32_t hz;
    uint32_t mask; /* of the counter, which counts up and wraps */
    uint32_t (*read)(void);
};

struct sample {
    uint64_t tsc;
    uint32_t reference;
    uint32_t timer;
};

static uint32_t pm_timer_read(void)
{
    return port_read32(acpi_info.pm_timer);
}

static void pit_start(void)
{
    port_write8(SPEAKER, (uint8_t)((port_read8(SPEAKER) & ~SPEAKER_OUTPUT) | SPEAKER_GATE));
    port_write8(PIT_COMMAND, PIT_START);
    port_write8(PIT_CHANNEL2, 0xff);
    port_write8(PIT_CHANNEL2, 0xff);
}

static uint32_t pit_read(void)
{
    uint8_t low;

    port_write8(PIT_COMMAND, PIT_LATCH);
    low = port_read8(PIT_CHANNEL2);
    return 0xffffu - (low | (uint32_t)port_read8(PIT_CHANNEL2) << 8);
}

static struct sample take_sample(const struct reference *reference)
{
    struct sample best = {0};
    uint64_t best_width = UINT64_MAX;

    for (unsigned i = 0; i < READINGS; i++) {
        uint64_t before = arch_cycles();
        uint32_t value = reference->read();
        uint32_t timer = lapic_timer_left();
        uint64_t width = arch_cycles() - before;

        if (width < best_width) {
            best_width = width;
            best.tsc = before + width / 2;
            best.reference = value;
            best.timer = timer;
        }
    }
    return best;
}

static bool measure(const struct reference *reference, struct calibration *result)
{
    uint32_t window = reference->hz / 1000;
    struct sample begin, end;
    uint32_t ticks;
    unsigned reads = 0;

    lapic_timer_start(UINT32_MAX);
    begin = take_sample(reference);
    while (((reference->read() - begin.reference) & reference->mask) < window) {
        if (++reads == READS_MAX)
            return false;
    }
    end = take_sample(reference);
    lapic_timer_start(0);
    ticks = (end.reference - begin.reference) & reference->mask;
    result->source = reference->name;
    result->tsc_frequency = (end.tsc - begin.tsc) * reference->hz / ticks;
    result->timer_frequency = (uint64_t)(begin.timer - end.timer) * reference->hz / ticks;
    return true;
}

void calibrate(struct calibration *result)
{
    const struct reference pm_timer = {"the ACPI timer", PM_TIMER_HZ,
                                       acpi_info.pm_timer_32bit ? UINT32_MAX : 0xffffff,
                                       pm_timer_read};
    const struct reference pit = {"the PIT", PIT_HZ, 0xffff, pit_read};

    if (acpi_info.pm_timer && measure(&pm_timer, result))
        return;
    pit_start();
    if (measure(&pit, result))
        return;
    log_warning("clock", "neither ACPI timer nor PIT counts: the clock's speed is a guess");
    result->source = "a guess";
    result->tsc_frequency = TSC_GUESS;
    result->timer_frequency = TIMER_GUESS;
}
