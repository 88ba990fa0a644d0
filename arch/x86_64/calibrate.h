/* SPDX-License-Identifier: BSD-2-Clause */
/* Measuring the counters against a clock of known frequency. */
#ifndef X86_CALIBRATE_H
#define X86_CALIBRATE_H

#include <stdint.h>

struct calibration {
    uint64_t tsc_frequency;   /* Hz */
    uint64_t timer_frequency; /* of the local APIC's timer, Hz */
    const char *source;
};

/* Takes about 1 ms, bounded. Boot CPU, interrupts off, after arch_platform_init(). */
void calibrate(struct calibration *result);

#endif
