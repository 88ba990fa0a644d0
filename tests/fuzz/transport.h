/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What targets for transports share: registers that lie now and then, and a driver that uses
 * all of a transport.
 */
#ifndef FUZZ_TRANSPORT_H
#define FUZZ_TRANSPORT_H

#include "shim.h"
#include "unit.h"
#include <neap/virtio.h>

#define PLAIN_DEVICE_ID   62
#define PLAIN_QUEUES      2
#define PLAIN_INTERRUPT   16 /* the line that devices interrupt through */
#define PLAIN_CONFIG_READ 16 /* bytes of configuration that the driver reads */

/* Boot, with one register window over all of physical memory. */
void transport_boot(const struct shim_mmio *registers);

/* What a register reads as: `honest`, or sometimes what the input says. */
uint64_t transport_lie(uint64_t honest, unsigned width);

/* Work with every device there is as the input says. */
void transport_use(void);

/* Every device goes away for ever; `release` frees what its transport had. */
void transport_forget(void (*release)(struct virtio_device *dev));

#endif
