/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network device as a host sees it, with a wire that the test holds the other end of, and a
 * user of the device instead of the stack.
 */
#ifndef FAKE_NET_H
#define FAKE_NET_H

#include "../../../drivers/virtio/net.h"
#include "fake.h"
#include <neap/netdev.h>

#define WIRE_HISTORY 64

struct fake_net {
    struct fake *fake;
    unsigned max_pairs; /* that the device has */
    unsigned pairs_on;  /* that it was told to use */
    /* transmit */
    bool hold; /* leaves sent frames in the ring */
    bool lazy; /* uses them without an interrupt */
    unsigned sent;
    struct net_header header; /* of the last frame */
    unsigned queue;
    unsigned pieces;
    uint32_t length;
    uint8_t frame[NETDEV_FRAME_MAX + 4];
    /* control */
    bool mute;        /* does not answer */
    uint8_t ack;      /* the answer */
    uint32_t written; /* its length; 1 is right */
    unsigned commands;
    uint16_t history[WIRE_HISTORY];     /* class << 8 | command */
    uint8_t data[NET_CONTROL_DATA_MAX]; /* of the last command */
    unsigned data_bytes;
    unsigned room; /* for a result, that it had */
    /* Fills in the result of the command that came last. */
    void (*answer)(void);
    uint8_t result[NET_CONTROL_RESULT_MAX];
    unsigned result_bytes;
};
extern struct fake_net wire;

/* ---- what no network driver may do, watched in every test (watch_net.c) ---- */

/* The frame that was sent last, from queue `index`; its header is in the CPU's order. */
void watch_sent(struct fake_net *net, unsigned index);
/* The command that came last. */
void watch_command(struct fake_net *net);
void watch_receive_buffer(const struct fake_net *net, const struct vringd_chain *chain);

/* What came up to the user, and went down. */
struct fake_user {
    unsigned frames; /* received */
    unsigned batches, largest_batch;
    struct netdev_buffer last; /* its record; pieces are gone */
    uint8_t frame[NETDEV_FRAME_MAX + 4];
    unsigned last_queue;
    bool keep; /* frames on `kept` instead of releasing them */
    struct netdev_buffer *kept;
    unsigned completed;
    void *last_token;
    unsigned ready;
    unsigned events, event_calls;
    void (*on_receive)(void);
};
extern struct fake_user user;

/* A device that offers these features (word 0), with so many pairs of queues of `size`. */
void wire_create(uint64_t features, unsigned pairs, unsigned size);

/* Boot with so many CPUs, add the device. */
void wire_boot(unsigned nr_cpus);

/* All of it, with one pair of 64, and open the device. */
void wire_start(uint64_t features);

struct net *wire_net(void);
struct netdev *wire_netdev(void);

void user_open(void);

/* Send `length` bytes made from `seed` in one piece; the result of netdev_transmit(). */
int user_send(unsigned queue, uint32_t length, unsigned seed, void *token);

/* The bytes of such a frame. */
void make_frame(uint8_t *frame, uint32_t length, unsigned seed);
bool is_frame(const uint8_t *frame, uint32_t length, unsigned seed);

/*
 * Deliver a frame as a device does that keeps the rules: num_buffers is filled in. false: not
 * enough buffers. Without an interrupt.
 */
bool wire_deliver(unsigned queue, struct net_header header, const uint8_t *frame,
                  uint32_t length);
/* The same with a frame made from `seed`, an interrupt, and time for the guest to work. */
void wire_receive(unsigned queue, uint32_t length, unsigned seed);

/* One buffer by hand: header (may be NULL) and bytes. Returns false when there is none. */
bool wire_push(unsigned queue, const struct net_header *header, uint32_t length);
void wire_interrupt(unsigned queue);

/* Use everything that was held. */
void wire_release(unsigned queue);

bool wire_heard(enum net_control_class command_class, enum net_control_command command);

#endif
