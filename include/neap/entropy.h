/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers for guards, hash seeds and sequence numbers; not for keys.
 */
#ifndef NEAP_ENTROPY_H
#define NEAP_ENTROPY_H

#include <stdint.h>

/*
 * A value that differs from call to call, and from boot to boot as far as the machine allows:
 * the CPU's own random numbers where it has them, and always its cycle counter. Any context,
 * from the first line of kernel_main() on.
 */
uint64_t entropy(void);

#endif
