/* SPDX-License-Identifier: BSD-2-Clause */
/* One subblock of elastic memory: what it is, and attempts to make something else of it. */
#ifndef TEST_SUBBLOCK_H
#define TEST_SUBBLOCK_H

#include "area.h"
#include "plug.h"

#define SUBBLOCK (2 * MIB)

enum state {
    UNPLUGGED,
    FREE_WARM,     /* free, the host has pages for it */
    FREE_REPORTED, /* free, the host was told */
    REPORTING,     /* free, the host is being told */
    LENT,          /* in the balloon */
    USED,          /* by the application */
    PINNED,        /* the same, and for a moment by a device */
    KERNEL,        /* kernel reserve, in use */
    LONG,          /* kernel reserve, pinned for long: nowhere else can such a pin be */
    STATES,
};

extern struct plug subblock_plug;

/* Boot; the subblock is not plugged, and no other place has 2 MiB in one piece. */
void subblock_start(void);

/* What all its pages are. */
enum state subblock_state(void);

/* Attempts to make it this state out of `from`; each checks what it is answered. */
extern void (*const subblock_attempts[STATES])(enum state from);

#endif
