/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network devices as their drivers see them; the other side is <neap/netdev.h>.
 *
 * A device is registered once and stays; netdev_up() and netdev_down() bracket the times in
 * which its hardware can be used, so that a reset is invisible to the stack but for its events.
 */
#ifndef NEAP_NETDEV_DRIVER_H
#define NEAP_NETDEV_DRIVER_H

#include <neap/list.h>
#include <neap/lock.h>
#include <neap/netdev.h>
#include <neap/wait.h>
#include <neap/work.h>

/* Settings are called under the device's lock; NULL: the device cannot do it. */
struct netdev_ops {
    const char *driver;
    /* A checked frame of `length` bytes. May find the device gone: -ENETDOWN. Counts what it
     * sends and what it refuses. */
    int (*transmit)(struct netdev *dev, unsigned queue, const struct netdev_tx *tx,
                    uint32_t length, bool more);
    void (*flush)(struct netdev *dev, unsigned queue);
    /*
     * Poll thread: no interrupts from now on. Finish transmissions, take up to `budget` frames
     * into a list, provide new buffers. Returns how many frames.
     */
    unsigned (*poll)(struct netdev *dev, unsigned queue, unsigned budget,
                     struct netdev_buffer **frames);
    /* Poll thread: interrupts on; true: there is work already. */
    bool (*rearm)(struct netdev *dev, unsigned queue);
    /* Provide receive buffers, and stop taking frames. Under the lock, no poll runs. */
    int (*start)(struct netdev *dev);
    void (*stop)(struct netdev *dev);
    /* Is nothing in flight on any transmit queue? */
    bool (*idle)(struct netdev *dev);
    /* Reset the device: it holds frames for too long. */
    void (*reset)(struct netdev *dev, const char *why);
    int (*set_mac)(struct netdev *dev, const uint8_t *mac);
    int (*set_filter)(struct netdev *dev, const struct netdev_filter *filter);
    int (*set_vlan)(struct netdev *dev, uint16_t id, bool on);
    int (*set_rx_offloads)(struct netdev *dev, uint32_t caps);
    int (*set_coalescing)(struct netdev *dev, const struct netdev_coalescing *coalescing);
    int (*set_queue_coalescing)(struct netdev *dev, unsigned queue,
                                const struct netdev_coalescing *coalescing);
    int (*get_queue_coalescing)(struct netdev *dev, unsigned queue,
                                struct netdev_coalescing *coalescing);
    int (*device_stats)(struct netdev *dev,
                        void (*fn)(void *arg, unsigned queue, const char *name, uint64_t value),
                        void *arg);
};

struct netdev_queue {
    struct netdev *dev;
    unsigned index;
    struct thread *thread; /* NULL until the first use */
    struct waitqueue work;
    bool scheduled;            /* there may be work */
    bool polling;              /* the thread is inside the driver or an upcall */
    struct netdev_stats stats; /* each field has one writer at a time */
};

struct netdev {
    /* set by the driver before netdev_register() */
    const struct netdev_ops *ops;
    void *driver_data;
    /* set by the driver under `lock` */
    struct netdev_info info;
    /* this layer's */
    struct mutex lock; /* LOCK_RANK_DRIVER: settings, the user, up and down */
    struct list link;
    bool open;
    bool closing; /* still open, but no poll and no event any more */
    struct netdev_upcalls upcalls;
    void *arg;
    bool running; /* poll threads may work */
    struct waitqueue settled;
    unsigned events; /* not told yet; atomic */
    struct work event_work;
    struct netdev_queue queues[NETDEV_QUEUES_MAX];
};

/* Make the device known, down. Once; 0 or -ENOMEM. Thread context. */
int netdev_register(struct netdev *dev);

/* The hardware works and `info` holds what it can do. Thread context. */
void netdev_up(struct netdev *dev);

/*
 * It does not any more: on return no poll and no setting is under way. The driver has made sure
 * that every wait for the device ends. Thread context.
 */
void netdev_down(struct netdev *dev);

/*
 * A break that the user does not notice: on return no poll and no setting is under way, and
 * the lock is held until netdev_resume(). Frames to be sent still come. Thread context.
 */
void netdev_pause(struct netdev *dev);
void netdev_resume(struct netdev *dev);

/* There is work for the poll thread of this queue. Any context. */
void netdev_schedule(struct netdev *dev, unsigned queue);

/* A token is back, and: room after -ENOSPC. See struct netdev_upcalls for the context. */
void netdev_completed(struct netdev *dev, unsigned queue, void *token);
void netdev_tx_ready(struct netdev *dev, unsigned queue);

/* Tell the user (bits of enum netdev_event), later and elsewhere. Any context. */
void netdev_notify(struct netdev *dev, unsigned events);

static inline struct netdev_stats *netdev_queue_stats(struct netdev *dev, unsigned queue)
{
    return &dev->queues[queue].stats;
}

#endif
