/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The jitter of the processor's clock: how long the same few instructions take depends on
 * caches, interrupts and the host.
 */
#include "internal.h"
#include <arch/clock.h>

#define SAMPLES      1024
#define MEMORY_BYTES 4096

void jitter_collect(uint64_t folded[JITTER_WORDS])
{
    static volatile uint8_t memory[MEMORY_BYTES];
    uint64_t last = arch_cycles();

    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t *word = &folded[i % JITTER_WORDS], now;

        for (unsigned k = 0; k < 8; k++)
            memory[(i * 67 + k * 521) % MEMORY_BYTES]++;
        now = arch_cycles();
        *word = (*word << 7 | *word >> 57) ^ (now - last);
        last = now;
    }
}
