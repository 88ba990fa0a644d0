/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device of the unit tests (fake.h) for one input after the other.
 */
#ifndef FUZZ_DEVICE_H
#define FUZZ_DEVICE_H

#include "fake.h"
#include <neap/timer.h>

/* Start the machine that all inputs share. */
void device_boot(uint64_t memory);

/* How `fake` is now, but for what the core and the driver keep, is how each input finds it. */
void device_keep(const struct fake *fake);

/* Offer of these features what the input says. */
void device_offer(struct fake *fake, const unsigned *bits, unsigned nr);

/* Let the driver have it, and work until it waits. */
void device_start(struct fake *fake);

/* Unplug it and make it new; what the kernel had for it must be free again. */
void device_stop(struct fake *fake);

/* A serve() function whose answers, to each buffer, are what the input says. */
void device_serve(struct fake *fake, unsigned index);

/* Something happens: configuration, status, interrupts, time. */
void device_event(struct fake *fake);

#endif
