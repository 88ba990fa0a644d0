/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network devices: the contract between a driver and the stack. A driver knows no protocol
 * above Ethernet, the stack knows no device. For drivers: <neap/netdev_driver.h>.
 *
 * A device has 1 to NETDEV_QUEUES_MAX pairs of queues. Each pair has a kernel thread, its poll
 * thread: it takes received frames and finished transmissions in budgeted rounds while there is
 * work and waits for an interrupt when there is none. Every upcall into the stack runs in
 * thread context with no lock of this layer or of a driver held, so it may take mutexes.
 *
 * Locks: a driver's per-queue spinlock has LOCK_RANK_VIRTQUEUE, the control path's mutex
 * LOCK_RANK_DRIVER. Data path calls (transmit, flush) take spinlocks only and may be made under
 * any mutex; control calls (open, close, set_*) take mutexes below LOCK_RANK_DRIVER and may
 * wait for the device, bounded.
 *
 * A device that misbehaves is reset and comes back by itself: the link goes down and up again,
 * frames in flight are completed (lost), everything that was set is set again.
 */
#ifndef NEAP_NETDEV_H
#define NEAP_NETDEV_H

#include <neap/compiler.h>
#include <stdbool.h>
#include <stdint.h>

#define NETDEV_QUEUES_MAX    16
#define NETDEV_MAC_BYTES     6
#define NETDEV_HEADER_BYTES  14 /* Ethernet, without a VLAN tag */
#define NETDEV_FRAME_MAX     (65535 + NETDEV_HEADER_BYTES)
#define NETDEV_TX_PIECES_MAX 24

struct netdev;

/* ---- what a device can do ---- */

enum netdev_caps {
    NETDEV_CAP_TX_CSUM = 1u << 0,   /* fills in a TCP or UDP checksum */
    NETDEV_CAP_TSO4 = 1u << 1,      /* cuts TCP over IPv4 into segments */
    NETDEV_CAP_TSO6 = 1u << 2,      /* the same over IPv6 */
    NETDEV_CAP_TSO_ECN = 1u << 3,   /* also segments with CWR set */
    NETDEV_CAP_USO = 1u << 4,       /* cuts UDP into datagrams, IPv4 and IPv6 */
    NETDEV_CAP_RX_CSUM = 1u << 5,   /* received frames may come with a checksum state */
    NETDEV_CAP_LRO4 = 1u << 6,      /* may deliver several TCP segments over IPv4 as one */
    NETDEV_CAP_LRO6 = 1u << 7,      /* the same over IPv6 */
    NETDEV_CAP_LRO_ECN = 1u << 8,   /* also with CWR set */
    NETDEV_CAP_URO4 = 1u << 9,      /* several UDP datagrams as one, IPv4 */
    NETDEV_CAP_URO6 = 1u << 10,     /* the same over IPv6 */
    NETDEV_CAP_HASH = 1u << 11,     /* received frames carry a flow hash */
    NETDEV_CAP_SET_MAC = 1u << 12,  /* netdev_set_mac() works */
    NETDEV_CAP_FILTER = 1u << 13,   /* netdev_set_filter() works */
    NETDEV_CAP_VLAN = 1u << 14,     /* filters VLAN ids: netdev_set_vlan() */
    NETDEV_CAP_COALESCE = 1u << 15, /* netdev_set_coalescing() works */
    NETDEV_CAP_COALESCE_QUEUE = 1u << 16, /* the same for single queues */
    NETDEV_CAP_DEVICE_STATS = 1u << 17,   /* netdev_device_stats() works */
};
/* What netdev_set_rx_offloads() can switch. */
#define NETDEV_CAPS_RX                                                             \
    (NETDEV_CAP_RX_CSUM | NETDEV_CAP_LRO4 | NETDEV_CAP_LRO6 | NETDEV_CAP_LRO_ECN | \
     NETDEV_CAP_URO4 | NETDEV_CAP_URO6)

#define NETDEV_SPEED_UNKNOWN UINT32_MAX

/* A copy of what is known about a device. */
struct netdev_info {
    char name[16];      /* "net0": in the order of registration */
    const char *driver; /* "virtio-net" */
    uint8_t mac[NETDEV_MAC_BYTES];
    uint16_t mtu;        /* largest frame without the Ethernet header, 68 to 65535 */
    uint32_t caps;       /* enum netdev_caps */
    uint32_t rx_enabled; /* of NETDEV_CAPS_RX: now on */
    unsigned nr_queues;  /* pairs in use */
    unsigned headroom;   /* struct netdev_tx::headroom that saves work */
    bool link;
    bool full_duplex;
    uint32_t speed; /* Mbit/s or NETDEV_SPEED_UNKNOWN */
    bool live;      /* false: being reset, or given up */
};

/* Counters of one pair of queues. Frames that a segmentation offload made are counted once. */
struct netdev_stats {
    uint64_t rx_frames, rx_bytes;
    uint64_t rx_dropped; /* no memory for new buffers, or nobody listens */
    uint64_t rx_errors;  /* header fields that make no sense */
    uint64_t rx_buffers; /* posted now */
    uint64_t rx_no_memory;
    uint64_t tx_frames, tx_bytes;
    uint64_t tx_refused; /* bad request, or a device that is down */
    uint64_t tx_full;    /* -ENOSPC */
    uint64_t tx_lost;    /* in flight when the device was reset */
    uint64_t interrupts, polls, kicks;
};

/* ---- transmit ---- */

/* A physically contiguous piece of memory. Pieces may lie anywhere, pinned while in flight. */
struct netdev_piece {
    uint64_t phys;
    uint32_t length;
};

enum netdev_segmentation {
    NETDEV_SEGMENT_NONE,
    NETDEV_SEGMENT_TCP4,
    NETDEV_SEGMENT_TCP6,
    NETDEV_SEGMENT_UDP,
};

/*
 * One frame, Ethernet header first, no FCS. With `checksum` the field at csum_start +
 * csum_offset holds the sum of the pseudo header and the device adds everything from csum_start
 * to the end. Segmentation needs `checksum` and a header that is complete but for lengths, ids
 * and sums of the single segments.
 */
struct netdev_tx {
    const struct netdev_piece *pieces; /* read before the call returns */
    unsigned nr_pieces;                /* 1 to NETDEV_TX_PIECES_MAX */
    /*
     * Bytes right in front of the first piece, physically contiguous with it, that the driver
     * may overwrite until completion. 0 is always right; netdev_info::headroom saves a piece.
     */
    unsigned headroom;
    bool checksum;
    bool ecn; /* segmentation of a segment with CWR set */
    uint8_t segmentation;
    uint16_t csum_start;
    uint16_t csum_offset;
    uint16_t header_length; /* with segmentation: Ethernet to transport header, inclusive */
    uint16_t segment_size;  /* with segmentation: payload of each segment */
    void *token;            /* not NULL: comes back through upcall completed() */
};

/*
 * Send a frame on a queue (0 to nr_queues - 1). Zero copy: the memory belongs to the device
 * until completed() brings the token back, exactly once, also when the device is reset.
 * `more`: another one follows at once, or netdev_flush(); the device need not be told yet.
 *
 * 0: accepted. Else nothing happened and the memory is the caller's: -ENOSPC: queue full,
 * tx_ready() comes when there is room; -ENETDOWN: no link or being reset (event() comes);
 * -EMSGSIZE: longer than the MTU allows or too many pieces; -EINVAL: offsets outside the frame;
 * -ENOTSUP: an offload that the device lacks.
 * Thread context, also from upcalls; never sleeps. May call completed() before it returns.
 */
int netdev_transmit(struct netdev *dev, unsigned queue, const struct netdev_tx *tx,
                    bool more) MUST_CHECK;

/* Tell the device about frames sent with `more`. Like netdev_transmit(). */
void netdev_flush(struct netdev *dev, unsigned queue);

/* ---- receive ---- */

enum netdev_checksum {
    NETDEV_CHECKSUM_UNKNOWN, /* check it */
    NETDEV_CHECKSUM_GOOD,    /* transport checksum verified */
    NETDEV_CHECKSUM_PARTIAL, /* data good, but the field holds only the pseudo header's sum */
};

#define NETDEV_BUFFER_STACK_BYTES 48

/*
 * A piece of a received frame, in one page of kernel memory. The first piece of a frame says
 * what is known about the whole. It belongs to the stack until it calls release() on each
 * piece.
 */
struct netdev_buffer {
    struct netdev_buffer *next;       /* next piece of the frame */
    struct netdev_buffer *next_frame; /* of a first piece: next frame of the batch */
    void (*release)(struct netdev_buffer *);
    uint8_t *data;         /* writable by the stack; the first piece begins with the header */
    uint32_t length;       /* of this piece, 1 at least */
    uint32_t frame_length; /* of the frame; up to NETDEV_FRAME_MAX and a VLAN tag */
    uint32_t hash;         /* of the flow, with NETDEV_CAP_HASH; else 0 */
    uint16_t segment_size; /* of a frame made from several; else 0 */
    uint16_t csum_start;   /* with NETDEV_CHECKSUM_PARTIAL: checked, inside the frame */
    uint16_t csum_offset;
    uint8_t nr_pieces;
    uint8_t checksum;     /* enum netdev_checksum */
    uint8_t segmentation; /* enum netdev_segmentation */
    bool ecn;             /* of a frame made from several: the first had CWR set */
    bool hash_valid;
    /* Room for the stack's own record of this piece, 8-byte aligned; not initialised. */
    uint64_t stack[NETDEV_BUFFER_STACK_BYTES / 8];
};

/* Give back one piece (not its successors). Any context. */
static inline void netdev_release(struct netdev_buffer *buffer)
{
    buffer->release(buffer);
}

/* Give back every piece of a frame. Any context. */
void netdev_release_frame(struct netdev_buffer *frame);

/* ---- the user of a device ---- */

enum netdev_event {
    NETDEV_EVENT_LINK = 1u << 0,     /* the link changed, a reset begins or has ended */
    NETDEV_EVENT_ANNOUNCE = 1u << 1, /* tell the network where we are (migration) */
    NETDEV_EVENT_CAPS = 1u << 2,     /* caps, MTU or address differ since a reset */
};

/* Thread context, no locks held. receive() and tx_ready(): the poll thread of the queue. */
struct netdev_upcalls {
    /* A batch of frames, linked by next_frame, now the user's. */
    void (*receive)(void *arg, unsigned queue, struct netdev_buffer *frames);
    /*
     * A frame left the device's hands. From the queue's poll thread, from inside
     * netdev_transmit() on this queue by any thread, or from the thread that resets the device:
     * must not sleep, transmit or take a mutex.
     */
    void (*completed)(void *arg, unsigned queue, void *token);
    /* There is room again after -ENOSPC. May be NULL. */
    void (*tx_ready)(void *arg, unsigned queue);
    /* Bits of enum netdev_event. From a work queue; must not call open or close. May be NULL.
     */
    void (*event)(void *arg, unsigned events);
};

/*
 * Begin to use a device, one user at a time. Returns 0, -EBUSY, -ENOMEM, or -ENETDOWN when it
 * was given up. Frames come from now on. Thread context.
 */
int netdev_open(struct netdev *dev, const struct netdev_upcalls *upcalls, void *arg);

/* End it: on return every token has come back and no upcall runs. Waits, bounded. Not from an
 * upcall. */
void netdev_close(struct netdev *dev);

/* Call fn for every device. Devices never go away. Thread context. */
void netdev_for_each(void (*fn)(struct netdev *, void *), void *arg);

/* What is known now. Any thread context. */
void netdev_info_get(struct netdev *dev, struct netdev_info *info);

/* Counters of one queue pair, or summed up (queue < 0). Any context. */
void netdev_stats_get(struct netdev *dev, int queue, struct netdev_stats *stats);

/* ---- settings: thread context, may wait for the device; kept over a reset ---- */

/* 0, -ENOTSUP, -EINVAL (not a unicast address), -EIO (refused), -ENETDOWN, -ETIMEDOUT. */
int netdev_set_mac(struct netdev *dev, const uint8_t mac[NETDEV_MAC_BYTES]);

/* Frames to take besides those for our own address and broadcasts. */
#define NETDEV_FILTER_MAX 32
struct netdev_filter {
    bool promiscuous;
    bool all_multicast;
    unsigned nr_unicast, nr_multicast; /* together up to NETDEV_FILTER_MAX */
    uint8_t addresses[NETDEV_FILTER_MAX][NETDEV_MAC_BYTES]; /* unicast first */
};
/*
 * Errors as above. A device without NETDEV_CAP_FILTER delivers everything (-ENOTSUP is no
 * problem then: the stack sorts out by itself what is not for it).
 */
int netdev_set_filter(struct netdev *dev, const struct netdev_filter *filter);

/* Let frames of a VLAN (0 to 4094) through, or not. Errors as above. */
int netdev_set_vlan(struct netdev *dev, uint16_t id, bool on);

/* Which of NETDEV_CAPS_RX to use; all that the device has are on at first. Errors as above. */
int netdev_set_rx_offloads(struct netdev *dev, uint32_t caps);

/* When the device interrupts: after so many frames or so long, what comes first. */
struct netdev_coalescing {
    uint32_t rx_frames, rx_us;
    uint32_t tx_frames, tx_us;
};
int netdev_set_coalescing(struct netdev *dev, const struct netdev_coalescing *coalescing);

/* Of one pair of queues (-EINVAL: there is none such), until all are set; and what is set now.
 */
int netdev_set_queue_coalescing(struct netdev *dev, unsigned queue,
                                const struct netdev_coalescing *coalescing);
int netdev_get_queue_coalescing(struct netdev *dev, unsigned queue,
                                struct netdev_coalescing *coalescing);

/*
 * Counters that the device itself keeps: call fn for each, with its pair of queues and a name
 * that stays. fn must not call into this layer. 0, -ENOTSUP, -EIO (refused, or the answer makes
 * no sense: what came before it was reported), -ENETDOWN, -ETIMEDOUT.
 */
int netdev_device_stats(struct netdev *dev,
                        void (*fn)(void *arg, unsigned queue, const char *name, uint64_t value),
                        void *arg);

#endif
