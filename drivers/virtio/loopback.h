/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the loopback transport share.
 */
#ifndef VIRTIO_LOOPBACK_H
#define VIRTIO_LOOPBACK_H

#include <neap/loopback.h>

extern const struct virtio_transport_ops loopback_ops;

/* What there is. */
extern const struct loopback_model loopback_net, loopback_balloon, loopback_mem;

/* The thread behind a device. */
void loopback_thread(void *arg);

#endif
