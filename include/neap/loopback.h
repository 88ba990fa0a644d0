/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio devices made of software, inside the guest: a transport like any other for the drivers
 * above it, and below it the device's half of each ring, served by a thread of its own. So the
 * ordinary drivers run without a host, and meet whatever a host may do wrong.
 *
 * A model says what kind of device it is (loopback_net.c is one). Its functions run under the
 * device's lock, in the thread of the device or of the core.
 */
#ifndef NEAP_LOOPBACK_H
#define NEAP_LOOPBACK_H

#include <neap/timer.h>
#include <neap/virtio.h>
#include <neap/vringd.h>

#define LOOPBACK_QUEUES_MAX 5

/* By which the loopback network device is known among others. */
#define LOOPBACK_NET_MAC             \
    {                                \
        0x02, 0, 0, 0x6c, 0x6f, 0x70 \
    }
#define LOOPBACK_CONFIG_MAX 64

/* What models count. */
enum loopback_count {
    LOOPBACK_NET_FRAMES,       /* that came back */
    LOOPBACK_NET_LOST,         /* for want of a receive buffer, or of room in one */
    LOOPBACK_BALLOON_TAKEN,    /* pages, by inflation */
    LOOPBACK_BALLOON_RETURNED, /* pages, by deflation */
    LOOPBACK_BALLOON_TOUCHED,  /* of them: written to meanwhile, or never taken */
    LOOPBACK_BALLOON_STATS,    /* statistics that came with all their tags */
    LOOPBACK_BALLOON_HINTED,   /* bytes */
    LOOPBACK_BALLOON_REPORTED, /* bytes */
    LOOPBACK_MEM_REQUESTS,     /* that were obeyed */
    LOOPBACK_MEM_ERRORS,       /* that the specification forbids */
    LOOPBACK_COUNTS,
};

struct loopback;

struct loopback_model {
    const char *name; /* "net": after loopback= on the command line */
    unsigned device_id;
    const int *features; /* that it has, besides those of rings; ends with -1 */
    unsigned config_size;
    unsigned nr_queues;
    /* Fill in the configuration. false: there cannot be such a device now (logged). */
    bool (*init)(struct loopback *loopback);
    /* Buffers were offered on this queue. Device thread. */
    void (*serve)(struct loopback *loopback, unsigned queue);
};

/* What the device does to used buffers instead of giving them back as it should. */
enum loopback_fault {
    LOOPBACK_GOOD,
    LOOPBACK_DROP,         /* never gives it back */
    LOOPBACK_DELAY,        /* gives it back LOOPBACK_DELAY_NS later */
    LOOPBACK_EARLY,        /* the same, and interrupts before */
    LOOPBACK_REORDER,      /* gives it back behind the next one of its queue */
    LOOPBACK_DUPLICATE,    /* gives it back twice */
    LOOPBACK_WRONG_ID,     /* names a buffer that the driver does not have */
    LOOPBACK_WRONG_LENGTH, /* says that it wrote more than there was room */
    LOOPBACK_NEEDS_RESET,  /* gives up instead */
    LOOPBACK_BROKEN,       /* keeps it, and serves this queue no more until a reset */
    LOOPBACK_FAULTS,
    /* what models answer, for loopback_refusal() */
    LOOPBACK_NACK = LOOPBACK_FAULTS,
    LOOPBACK_BUSY,
    LOOPBACK_ERROR,
    LOOPBACK_REFUSALS,
};
#define LOOPBACK_DELAY_NS (5 * NS_PER_MS)

/* `times` buffers of a queue, after `after` good ones. */
struct loopback_plan {
    enum loopback_fault fault;
    unsigned queue;
    unsigned after;
    unsigned times;
};

struct loopback_queue {
    struct vringd ring;
    bool enabled;
    bool interrupts;                   /* the driver wants them */
    bool held;                         /* `kept` is to be given back later */
    bool early;                        /* interrupt, whatever there is */
    uint32_t kept_head, kept_length;   /* by LOOPBACK_DELAY and the like */
    uint64_t kept_until;               /* WAIT_FOREVER: until the next one */
    uint64_t popped, pushed, notified; /* since it was enabled */
    unsigned turn;                     /* buffers that it may still take before others' turn */
};

struct loopback {
    struct virtio_device dev;
    const struct loopback_model *model;
    struct virtio_features offered; /* may be changed; counts from the next reset on */
    struct mutex lock;              /* for all below */
    struct virtio_features accepted;
    uint8_t status;
    uint32_t generation;
    uint8_t config[LOOPBACK_CONFIG_MAX];
    unsigned queue_size;
    struct loopback_queue queues[LOOPBACK_QUEUES_MAX];
    struct loopback_plan plan;
    unsigned fail_at;   /* after the next reset the device gives up once, at this step of the
                           driver; 0: never */
    unsigned change_at; /* the same, but it says that the configuration changed */
    unsigned fails_at, changes_at;    /* what they were at the last reset */
    unsigned steps;                   /* the driver took since the last reset */
    uint64_t counts[LOOPBACK_COUNTS]; /* of the model */
    /* the device's thread */
    struct waitqueue events;
    uint32_t pending; /* notified queues, by bit */
    bool config_pending;
};

/*
 * The first device of a model, made when there is none yet: it stays for ever, as devices do.
 * NULL: there is no such model, or no memory (logged). Thread context.
 */
struct loopback *loopback_get(const char *model);

/* From now on. The plan before is forgotten; held buffers go back. Thread context. */
void loopback_set_plan(struct loopback *loopback, const struct loopback_plan *plan);

/* Write the configuration as a device does: a new generation, and an interrupt. Thread context.
 */
void loopback_set_config(struct loopback *loopback, unsigned offset, const void *bytes,
                         unsigned count);

/* ---- for models ---- */

/* The next buffer of a queue; false: none, or the driver's ring makes no sense and the device
 * gave up. */
bool loopback_pop(struct loopback *loopback, unsigned queue, struct vringd_chain *chain);

/* Give it back, as the plan says. */
void loopback_push(struct loopback *loopback, unsigned queue, const struct vringd_chain *chain,
                   uint32_t length);

/* What the plan makes of the next request of a queue: 0, or one from LOOPBACK_NACK on. */
enum loopback_fault loopback_refusal(struct loopback *loopback, unsigned queue);

/* The driver made no sense: the device asks for a reset. */
void loopback_give_up(struct loopback *loopback);

/* Bytes of a chain's writable pieces. */
uint64_t loopback_room(const struct vringd_chain *chain);

/* An address for guest memory that is there, or NULL. */
void *loopback_reach(void *arg, uint64_t phys, uint64_t bytes);

/* Copy up to `count` bytes out of a chain's readable pieces, or into its writable ones. Returns
 * how many there were. */
uint32_t loopback_read(const struct vringd_chain *chain, void *bytes, uint32_t count);
uint32_t loopback_write(const struct vringd_chain *chain, const void *bytes, uint32_t count);

#endif
