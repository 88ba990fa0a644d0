/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device for tests, with a transport of its own: every step of the driver is recorded,
 * and every answer of the device can be scripted, up to nonsense. It watches all the time that
 * the driver keeps the rules (watch.h).
 */
#ifndef FAKE_H
#define FAKE_H

#include "bytes.h"
#include "shim.h"
#include "unit.h"
#include "watch.h"
#include <neap/virtio.h>
#include <neap/vringd.h>

#define FEATURE(bit) (UINT64_C(1) << (bit))

#define FAKE_QUEUES      10
#define FAKE_CONFIG_MAX  64
#define FAKE_HISTORY_MAX 64

struct fake;

struct fake_queue {
    unsigned max_size; /* 0: there is no such queue */
    unsigned size;
    bool enabled;
    bool wants_interrupt; /* named in setup_interrupts() */
    unsigned notified;
    uint32_t last_data;
    struct virtqueue_areas areas;
    struct vringd ring;
    /* Runs inside notify(); NULL: the queue is served by hand. */
    void (*serve)(struct fake *fake, unsigned index);
};

#define FAKES 4

struct fake {
    unsigned number; /* of FAKES */
    struct virtio_device dev;
    struct virtio_features offered;
    uint8_t status;
    uint8_t config[FAKE_CONFIG_MAX];
    unsigned config_size;
    uint32_t generation;
    uint32_t generation_step; /* added at every read of the generation */
    struct fake_queue queues[FAKE_QUEUES];

    bool reset_hangs;
    bool refuses_features;
    bool refuses_interrupts;
    int refuses_queue; /* index that queue_enable() fails for, -1: none */
    uint64_t filter;   /* feature bits of word 0 that the transport cannot do */

    unsigned resets, releases, config_writes;
    bool read_features, has_features; /* since the reset */
    char history[FAKE_HISTORY_MAX];   /* one letter a step, see fake.c */
    unsigned nr_history;
    void (*on_reset)(void);
    void (*on_driver_ok)(void); /* just before */
    void (*on_config_read)(void);
};

/* A device of this type without queues or features but VERSION_1. Never freed. */
struct fake *fake_create(unsigned device_id);

void fake_offer(struct fake *fake, unsigned bit);

/* Used buffers are there: interrupt, if the driver wants one. */
void fake_interrupt(struct fake *fake, unsigned index);

/* Boot, and make a device for the test's driver with so many queues of 8. Not added yet. */
struct fake *fake_prepare(unsigned nr_queues);

/* The configuration has changed. */
void fake_config_changed(struct fake *fake);
void fake_config_set32(struct fake *fake, unsigned offset, uint32_t value);
uint32_t fake_config_get32(const struct fake *fake, unsigned offset);

/* Pop one chain; 0: none. Fails the test when the ring makes no sense. */
int fake_pop(struct fake *fake, unsigned index, struct vringd_chain *chain);

/* Push it and interrupt. */
void fake_answer(struct fake *fake, unsigned index, uint32_t head, uint32_t length);

/* A serve() function that uses every buffer at once and writes nothing. */
void fake_serve_all(struct fake *fake, unsigned index);

/* ---- a driver for such devices (test_driver.c) ---- */

#define TEST_DEVICE_ID     61
#define TEST_DRIVER_QUEUES 3

struct test_driver_script {
    unsigned nr_queues;
    unsigned indices[TEST_DRIVER_QUEUES];
    unsigned max_size;
    unsigned max_pieces;
    bool no_callback;
    int probe_error; /* after the queues were found */
    int check_error;
    bool device_hangs;  /* its resets fail */
    bool kick_in_probe; /* add and kick one buffer before the device is ready */
    /* what happened */
    struct virtqueue *queues[TEST_DRIVER_QUEUES];
    unsigned probes, quiesces, removes, callbacks, config_changes;
    int find_error;
    struct waitqueue waiters;
    void (*on_callback)(void);
};
extern struct test_driver_script script;

/* A live device with one queue of `size` entries whose serve() is not set. */
struct fake *fake_live(unsigned size, const int *features);

#endif
