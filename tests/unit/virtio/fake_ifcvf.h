/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An IFC VF with a network device behind it, written from what two public drivers do with one:
 * its queues can be stopped, and tell and take their positions through BAR 4. The test says
 * when it reads buffers and when it is done with them, so some can be in between.
 */
#ifndef FAKE_IFCVF_H
#define FAKE_IFCVF_H

#include "../../../drivers/virtio/ifcvf.h"
#include "fake_pci.h"
#include <neap/netdev.h>

#define VF_LM_PHYS   UINT64_C(0xfc000000)
#define VF_LM_SIZE   0x1000u
#define VF_FRAMES    256
#define VF_RX        0u
#define VF_TX        1u
#define VF_CONTROL   2u
#define VF_RING_SIZE 16u

struct fake_ifcvf {
    bool both_indices;  /* the state's upper half is the used index, else nobody's */
    bool no_lm;         /* there is no such BAR: every queue begins at 0 */
    unsigned stride;    /* of the state of queue pairs */
    unsigned slow;      /* reads of queue_enable until a queue has stopped */
    uint16_t lie;       /* added to the available index that it tells */
    bool out_of_order;  /* uses the youngest of what it read first */
    bool forgets_a_bit; /* offers one feature less after the next reset */
    uint8_t lm[VF_LM_SIZE];
    /* what happened */
    unsigned starts, stops, resets;
    uint16_t started_at[PCI_QUEUES];
    unsigned sent[VF_FRAMES];      /* how often each frame, by its number, was sent ... */
    unsigned received[VF_FRAMES];  /* ... received by the user, */
    unsigned completed[VF_FRAMES]; /* ... and its token came back */
    unsigned misplaced;            /* frames that were not sent in turn */
};
extern struct fake_ifcvf vf;

/* A VF of the subsystem of N3000, not scanned; more features than it offers may be set. */
void vf_create(void);
/* Boot, scan, and open the network device, if it came up. */
struct virtio_device *vf_start(void);
struct net *vf_net(void);

/* The guest sends a frame with this number; the result of netdev_transmit(). */
int vf_send(unsigned number);

/* Read up to so many available buffers of a queue; returns how many. */
unsigned vf_fetch(unsigned queue, unsigned count);
/* Be done with up to so many of those that were read: send them, or write a frame into each. */
unsigned vf_complete(unsigned queue, unsigned count);
/* Interrupt if the driver wants to know, and let the guest work. */
void vf_interrupt(unsigned queue);
/* All of it with everything that is available to send. */
void vf_send_all(void);

/* The command `reset net0 keep`, and time for the guest to work; its result. */
int vf_keep(void);

#endif
