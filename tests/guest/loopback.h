/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of drivers above devices made of software share.
 */
#ifndef GUEST_LOOPBACK_H
#define GUEST_LOOPBACK_H

#include <neap/loopback.h>

/*
 * Reset the device, and offer these features of rings from then on; bits 0 to 4: packed, event
 * index, in order, indirect, notification data.
 */
#define LOOPBACK_RINGS 32u
void loopback_choose_rings(struct loopback *loopback, unsigned features);

/* Has the device given up at the step that fail_at names? From now on it does not. */
bool loopback_has_failed(struct loopback *loopback);

/* Wait until the plan has been carried out. false: it never is. */
bool loopback_plan_is_done(struct loopback *loopback);

/* Wait until the driver has reset the device because of what it did. */
bool loopback_was_reset(struct loopback *loopback);

/* A field of the configuration, as it is now. */
uint64_t loopback_get_config(struct loopback *loopback, unsigned offset, unsigned bytes);

/* Write a field as the host does, and say so. */
void loopback_put_config(struct loopback *loopback, unsigned offset, unsigned bytes,
                         uint64_t value);

#endif
