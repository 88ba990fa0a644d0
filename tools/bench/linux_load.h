/* SPDX-License-Identifier: BSD-2-Clause */
/* The load of the reference guest: see linux_load.c. */
#ifndef LINUX_LOAD_H
#define LINUX_LOAD_H

#include <stddef.h>

/* One thread a CPU, together holding up to this much memory. */
void load_start(size_t mib);
/* What they have done so far, as key=value lines. */
void load_print(void);
/* End them and print. */
void load_stop(void);

#endif
