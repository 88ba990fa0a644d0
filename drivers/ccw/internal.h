/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of drivers/ccw share. */
#ifndef CCW_INTERNAL_H
#define CCW_INTERNAL_H

#include <neap/ccw.h>

/* Look at all subchannels: what is new, gone or back. One thread at a time. */
void ccw_look(void);

/* The device of a subchannel, NULL: none was found there. Any context. */
struct ccw_device *ccw_find(subchannel_t id);

#endif
