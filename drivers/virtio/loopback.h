/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the loopback transport share.
 */
#ifndef VIRTIO_LOOPBACK_H
#define VIRTIO_LOOPBACK_H

#include <neap/loopback.h>

extern const struct virtio_transport_ops loopback_ops;

/* The device asks for a reset. Under its lock. */
void loopback_give_up(struct loopback *loopback);

/* An address for guest memory that is there, or NULL: what vringd_init() wants. */
void *loopback_reach(void *arg, uint64_t phys, uint64_t bytes);

/* What there is. */
extern const struct loopback_model loopback_net;

/* The thread behind a device. */
void loopback_thread(void *arg);

#endif
