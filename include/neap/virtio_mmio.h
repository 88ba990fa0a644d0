/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where virtio devices behind plain registers may be: nothing can be asked for them, so
 * firmware or the command line must say it.
 */
#ifndef NEAP_VIRTIO_MMIO_H
#define NEAP_VIRTIO_MMIO_H

#include <stdint.h>

/*
 * There may be a device at [phys, phys + bytes) that raises interrupt line `line`. Remembered
 * until buses are looked through; said twice counts once. Returns 0; -EINVAL: too short for a
 * device's registers, unaligned, or beyond all addresses; -ENOSPC: too many (logged). Boot CPU,
 * also before memory management.
 */
int virtio_mmio_note(uint64_t phys, uint64_t bytes, unsigned line);

#endif
