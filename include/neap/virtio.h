/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio devices, their drivers and the transports between them (virtio 1.4).
 *
 * A transport finds a device, fills struct virtio_device and calls virtio_device_add(). The
 * core matches a driver by device id and runs the initialisation of virtio 1.4, 3.1.1. A
 * driver never sees the transport; a transport never sees a driver.
 */
#ifndef NEAP_VIRTIO_H
#define NEAP_VIRTIO_H

#include <neap/compiler.h>
#include <neap/list.h>
#include <neap/lock.h>
#include <neap/virtqueue.h>
#include <neap/wait.h>
#include <neap/work.h>
#include <stdbool.h>
#include <stdint.h>

/* Feature bits as 64-bit words, bits 0 to 127. */
#define VIRTIO_FEATURE_WORDS 2
struct virtio_features {
    uint64_t word[VIRTIO_FEATURE_WORDS];
};

static inline bool virtio_features_test(const struct virtio_features *features, unsigned bit)
{
    return bit < VIRTIO_FEATURE_WORDS * 64 && (features->word[bit / 64] >> (bit % 64) & 1);
}

static inline void virtio_features_set(struct virtio_features *features, unsigned bit)
{
    features->word[bit / 64] |= UINT64_C(1) << (bit % 64);
}

enum {
    VIRTIO_F_INDIRECT_DESC = 28,
    VIRTIO_F_EVENT_IDX = 29,
    VIRTIO_F_VERSION_1 = 32,
    VIRTIO_F_ACCESS_PLATFORM = 33,
    VIRTIO_F_RING_PACKED = 34,
    VIRTIO_F_IN_ORDER = 35,
    VIRTIO_F_ORDER_PLATFORM = 36,
    VIRTIO_F_NOTIFICATION_DATA = 38,
    VIRTIO_F_RING_RESET = 40,
};

enum {
    VIRTIO_ID_NET = 1,
    VIRTIO_ID_BLOCK = 2,
    VIRTIO_ID_RNG = 4,
    VIRTIO_ID_BALLOON = 5,
    VIRTIO_ID_MEM = 24,
};

enum {
    VIRTIO_STATUS_ACKNOWLEDGE = 1,
    VIRTIO_STATUS_DRIVER = 2,
    VIRTIO_STATUS_DRIVER_OK = 4,
    VIRTIO_STATUS_FEATURES_OK = 8,
    VIRTIO_STATUS_NEEDS_RESET = 64,
    VIRTIO_STATUS_FAILED = 128,
};

struct virtio_device;

/* Physical addresses of a ring's three areas. */
struct virtqueue_areas {
    uint64_t descriptor;
    uint64_t driver;
    uint64_t device;
};

/*
 * What a transport does. Thread context throughout, except notify() (any context). Values read
 * from a device are returned as they are: the core checks them.
 */
struct virtio_transport_ops {
    const char *name;
    uint8_t (*get_status)(struct virtio_device *);
    void (*set_status)(struct virtio_device *, uint8_t status);
    /* Reset and wait until the device says so. 0 or -ETIMEDOUT (bounded). */
    int (*reset)(struct virtio_device *);
    void (*get_features)(struct virtio_device *, struct virtio_features *);
    void (*set_features)(struct virtio_device *, const struct virtio_features *);
    /*
     * Clear from `accepted` what this transport cannot do (FEAT-007). 0; -ENOTSUP, logged, when
     * it lacks a feature. May be NULL.
     */
    int (*filter_features)(struct virtio_device *, struct virtio_features *accepted);
    uint32_t (*config_generation)(struct virtio_device *);
    /* Width 1, 2, 4 bytes; the value in CPU byte order. -ERANGE beyond the config space. */
    int (*config_read)(struct virtio_device *, unsigned offset, unsigned width,
                       uint32_t *value);
    int (*config_write)(struct virtio_device *, unsigned offset, unsigned width,
                        uint32_t value);
    /* Largest size of a queue; 0: there is no such queue. */
    unsigned (*queue_max_size)(struct virtio_device *, unsigned index);
    /*
     * Attach interrupts for `nr_queues` queues and the configuration. Called once after
     * FEATURES_OK; the transport shares vectors when there are few.
     */
    int (*setup_interrupts)(struct virtio_device *, const unsigned *indices,
                            unsigned nr_queues);
    /* Make a queue live. 0, -EIO when the device refuses the vector or the size. */
    int (*queue_enable)(struct virtio_device *, unsigned index, unsigned size,
                        const struct virtqueue_areas *areas);
    /*
     * For virtio_renew(); all NULL where devices cannot begin in the middle of a ring. Can they
     * with this queue? If not, the reason is logged.
     */
    bool (*queue_keeps)(struct virtio_device *, unsigned index);
    /* Make the device leave a queue. Gives the available index up to which it has read, as it
     * says. 0; -ETIMEDOUT (bounded). */
    int (*queue_stop)(struct virtio_device *, unsigned index, uint16_t *fetched);
    /* queue_enable() of a queue whose first `position` buffers are used. */
    int (*queue_continue)(struct virtio_device *, unsigned index, unsigned size,
                          const struct virtqueue_areas *areas, uint16_t position);
    void (*notify)(struct virtio_device *, unsigned index, uint32_t data);
    /* Detach interrupts. On return no callback runs. */
    void (*release)(struct virtio_device *);
};

struct virtio_driver {
    const char *name;
    unsigned device_id;
    /* Features it can use, by bit; ends with -1. Ring features are the core's. */
    const int *features;
    /* Drop from `accepted` what cannot be used together; refuse with -ENOTSUP. May be NULL. */
    int (*check_features)(struct virtio_device *, struct virtio_features *accepted);
    /*
     * FEATURES_OK holds: read the configuration, virtio_find_queues(), fill them, call
     * virtio_device_ready(). Returns 0 or the error that the core logs and answers with FAILED.
     */
    int (*probe)(struct virtio_device *);
    /* The configuration changed. Thread context, never beside probe or remove. May be NULL. */
    void (*config_changed)(struct virtio_device *);
    /*
     * The device is about to be reset, its queues are broken: make the driver's threads leave
     * it alone, registers included. May be NULL.
     */
    void (*quiesce)(struct virtio_device *);
    /*
     * The device has been reset: take back buffers (virtqueue_detach()), free everything that
     * probe made. Every wait of the driver's threads must already end because the queues are
     * broken.
     */
    void (*remove)(struct virtio_device *);
    /*
     * For virtio_renew(); both NULL when the driver cannot. From pause() to resume(), which
     * always follows, its threads may add buffers; they take none, kick no queue and leave the
     * device alone. resume(): the device was reset, so its settings have to be made again, and
     * buffers may be used that no callback told of. Or its queues are broken, and quiesce() is
     * next.
     */
    void (*pause)(struct virtio_device *);
    void (*resume)(struct virtio_device *);
};

/* Put a driver into the image. */
#define VIRTIO_DRIVER(driver)                                                           \
    static const struct virtio_driver *const virtio_driver_##driver LINKER_TABLE_ENTRY( \
        virtio_driver) = &(driver)

#define VIRTIO_QUEUES_MAX 64

struct virtio_device {
    /* set by the transport */
    const struct virtio_transport_ops *ops;
    unsigned device_id;
    const char *interrupts; /* how they come, for `devices`; NULL: not at all */
    char name[24];          /* "balloon0 pci 00:04.0": class and place, for messages */
    /* set by the core */
    const struct virtio_driver *driver;
    struct virtio_features offered;
    struct virtio_features accepted;
    struct mutex lock; /* probe, reset, config change: one at a time */
    struct list link;
    struct virtqueue *queues[VIRTIO_QUEUES_MAX];
    unsigned nr_queues;
    struct work config_work;
    struct work reset_work;
    unsigned resets;   /* recoveries so far; after VIRTIO_RESETS_MAX the device is left alone */
    bool live;         /* DRIVER_OK was set and no reset came since */
    bool probed;       /* the driver's probe succeeded and its remove has not run */
    bool misbehaved;   /* reported since the last start: reset_work is on its way */
    const char *fault; /* why the device was given up, or NULL */
    /* set by the driver */
    void *driver_data;
};

#define VIRTIO_RESETS_MAX 8

static inline bool virtio_offered(const struct virtio_device *dev, unsigned bit)
{
    return virtio_features_test(&dev->offered, bit);
}

static inline bool virtio_accepted(const struct virtio_device *dev, unsigned bit)
{
    return virtio_features_test(&dev->accepted, bit);
}

/* ---- for transports ---- */

/* Find a driver and initialise the device. Returns 0 also when no driver exists (logged). */
int virtio_device_add(struct virtio_device *dev);

/*
 * The device was unplugged: its driver lets go of it until virtio_restart(). Thread context.
 */
void virtio_device_gone(struct virtio_device *dev);

/* A queue's interrupt came: runs its callback. Interrupt context. Unknown indices are ignored.
 */
void virtio_queue_interrupt(struct virtio_device *dev, unsigned index);

/* The configuration interrupt came. Interrupt context. */
void virtio_config_interrupt(struct virtio_device *dev);

/* ---- for drivers ---- */

struct virtio_queue_request {
    unsigned index;                /* virtqueue number */
    const char *name;              /* "inflate": shown in messages */
    virtqueue_callback_t callback; /* NULL: no interrupts wanted */
    void *arg;
    unsigned max_size; /* upper bound for the ring, 0: what the device allows */
    /*
     * Pieces of the largest buffer. Above 1 the ring sets indirect tables of that many entries
     * aside, so that adding never allocates; 0 and 1: none.
     */
    unsigned max_pieces;
    /* Device-writable pieces are memory given away, not buffers: they are not pinned. */
    bool gives_memory;
    struct virtqueue *queue; /* result */
};

/*
 * Create and enable the queues. Returns 0; -ENOENT: a queue does not exist; -ENOMEM; -EIO.
 * On an error none exists. Probe only.
 */
int virtio_find_queues(struct virtio_device *dev, struct virtio_queue_request *requests,
                       unsigned nr);

/* Does the device have a queue of this number? Probe only. */
bool virtio_queue_exists(struct virtio_device *dev, unsigned index);

/* Set DRIVER_OK: buffers may be notified from now on (INIT-011, INIT-014). Probe only. */
void virtio_device_ready(struct virtio_device *dev);

/*
 * Read a little-endian field of 1, 2, 4 or 8 bytes of the device's configuration, bracketed by
 * the generation (CFG-001..003). 0; -ERANGE beyond the space; -EIO when it never settles.
 * Thread context.
 */
int virtio_config_get(struct virtio_device *dev, unsigned offset, unsigned width,
                      uint64_t *value);
int virtio_config_put(struct virtio_device *dev, unsigned offset, unsigned width,
                      uint64_t value);

/*
 * Something the device said makes no sense, or it does not answer: log `why`, mark its queues
 * broken so that every wait ends, reset it and probe it again from a work queue. Any context.
 */
void virtio_device_misbehaved(struct virtio_device *dev, const char *why);

/* A driver's work on a device that is in use. */
struct virtio_work {
    struct work work;
    struct virtio_device *dev;
    void (*fn)(struct virtio_device *dev);
};

/* Prepare it. The device stays for ever, and so does the work. Any context. */
void virtio_work_init(struct virtio_work *work, struct virtio_device *dev,
                      void (*fn)(struct virtio_device *dev));

/*
 * Run it soon from the work queue: never beside probe, quiesce or remove, and not at all if
 * the device is not live by then. Any context.
 */
void virtio_work_queue(struct virtio_work *work);

/*
 * Reset a device that has a driver and set it up again, without counting it as misbehaviour:
 * its state is lost, the driver's own is not. Returns 0 or the error of its start. Thread
 * context.
 */
int virtio_restart(struct virtio_device *dev);

/*
 * Reset a device and set it up again under its driver: it goes on where it was in each ring,
 * and no buffer in flight is lost or used twice. When that fails half way, with a logged
 * reason, it is restarted as by virtio_restart(). Returns 0; -ENOTSUP with nothing changed when
 * the device, its transport or its driver cannot; the error of a restart. Thread context.
 */
int virtio_renew(struct virtio_device *dev);

/*
 * Wait until `queue` has something to take. The queue's callback must wake `waiters`. Returns
 * 0; -EIO when the queue is broken; -ETIMEDOUT after VIRTIO_ANSWER_SECONDS, and then the
 * device counts as misbehaving. Thread context.
 */
#define VIRTIO_ANSWER_SECONDS 10
int virtqueue_wait(struct virtqueue *queue, struct waitqueue *waiters) MUST_CHECK;

/* Call fn for each device. Thread context. For `devices`. */
void virtio_for_each(void (*fn)(struct virtio_device *, void *), void *arg);

#endif
