/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device behind a channel, in place of the channel subsystem: it fails the test at a
 * command that virtio 1.4, 4.3 does not know or not allow then.
 */
#ifndef FAKE_CCW_H
#define FAKE_CCW_H

#include "../../../drivers/virtio/ccw_transport.h"
#include "fake.h"

#define CHANNEL_QUEUES 2
#define CHANNEL_CONFIG 16
#define CHANNEL_TRIES  4

struct fake_channel {
    struct ccw_device ccw;
    unsigned max_revision; /* that the device takes; 0: it knows no revisions */
    unsigned tries[CHANNEL_TRIES], nr_tries;
    unsigned revision; /* 0: none is set */
    struct virtio_features offered, accepted;
    uint8_t status;
    uint8_t config[CHANNEL_CONFIG];
    struct ccw_queue queues[CHANNEL_QUEUES];
    unsigned commands, status_reads;
    bool refuses_features; /* rejects the status FEATURES_OK */
    bool refuses_adapter;  /* knows no adapter interrupts */
    unsigned resets_failing;
    bool disabled;
    uint64_t queue_bits, config_bits; /* where they are */
    struct ccw_adapter_indicators adapter;
    void (*handler)(void *);
    void *handler_arg;
    int64_t cookies[CHANNEL_QUEUES]; /* given at the last notification */
    unsigned notified;
    uint32_t notification;
};
extern struct fake_channel channel;

/* A device of revision 2 that offers VERSION_1. Boots. */
void channel_create(void);

/* The bus finds it: what the driver's probe returns. */
int channel_probe(void);
const struct ccw_driver *channel_driver(void);
struct virtio_device *channel_device(void);

/* Buffers of a queue were used, by whatever means the driver chose; the configuration changed.
 */
void channel_raise(unsigned index);
void channel_config_changed(void);

#endif
