/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz targets: kernel code that reads what a host, a device or a peer wrote, fed by libFuzzer.
 *
 * A target is one file, tests/fuzz/<target>.c, with the two functions below; fuzz.mk names the
 * code that it needs. It runs on the simulated machine of the unit tests (shim.h) or on none.
 * An input is a series of decisions: what a device answers, which step comes next. Where it
 * ends, every decision is 0, so a target works through short inputs, too.
 *
 * A crash, a report of a sanitizer, a failed CHECK(), a panic of the kernel, a second of
 * processor time spent on one input, and memory that is not given back are findings.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- what a target has ---- */

/* Make what all inputs share: boot the machine, create the device. Once. */
void fuzz_start(void);

/* Work through one input, and leave things as they were before. */
void fuzz_run(void);

/* ---- the input ---- */

/* Is there any of it left? */
bool fuzz_more(void);

/* The next byte; the next `bytes` bytes as a little-endian number; a number below `limit`. */
uint8_t fuzz_byte(void);
uint64_t fuzz_number(unsigned bytes);
unsigned fuzz_below(unsigned limit);

/* Fill `to`, with zeros behind the end. Returns how many bytes came from the input. */
size_t fuzz_bytes(void *to, size_t length);

/* All that is left, in place. */
const uint8_t *fuzz_rest(size_t *length);

#endif
