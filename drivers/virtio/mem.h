/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory device, virtio-mem (virtio 1.4, 5.15): what its files share.
 *
 * One worker thread brings the plugged size to the requested size. It alone sends requests and
 * calls mm about the region; others only leave wishes and wake it.
 *
 * A reset of the device keeps memory plugged, and mm goes on using it: the region stays
 * registered for ever. What the device and mm think of each block may differ after an answer
 * that never came, so the device is asked for the state of its blocks before anything else.
 */
#ifndef VIRTIO_MEM_H
#define VIRTIO_MEM_H

#include "worker.h"
#include <neap/alloc.h>
#include <neap/elastic.h>
#include <neap/virtio.h>
#include <neap/wait.h>

enum vmem_feature {
    VMEM_F_ACPI_PXM = 0,
    VMEM_F_UNPLUGGED_INACCESSIBLE = 1,
    VMEM_F_PERSISTENT_SUSPEND = 2,
};

/* Configuration fields. */
#define VMEM_CONFIG_BLOCK     0
#define VMEM_CONFIG_NODE      8
#define VMEM_CONFIG_ADDRESS   16
#define VMEM_CONFIG_REGION    24
#define VMEM_CONFIG_USABLE    32
#define VMEM_CONFIG_PLUGGED   40
#define VMEM_CONFIG_REQUESTED 48

#define VMEM_BLOCK_MINIMUM (1 * MIB)

/* A request counts its blocks in 16 bits. */
#define VMEM_REQUEST_BLOCKS UINT64_C(65535)

enum vmem_request_type {
    VMEM_PLUG,
    VMEM_UNPLUG,
    VMEM_UNPLUG_ALL,
    VMEM_STATE,
    VMEM_REQUESTS,
};

enum vmem_answer {
    /* what the device says */
    VMEM_ACK,
    VMEM_NACK,
    VMEM_BUSY,
    VMEM_ERROR,
    /* what we make of it otherwise */
    VMEM_SHORT,   /* fewer bytes than the answer has */
    VMEM_UNKNOWN, /* a value that the specification does not know */
    VMEM_SILENT,  /* none: the device is being reset, and may or may not have done it */
    VMEM_UNSENT,  /* the device was given up before it could see the request */
    VMEM_ANSWERS,
};

enum vmem_block_state {
    VMEM_PLUGGED,
    VMEM_UNPLUGGED,
    VMEM_MIXED,
};

/* As the device reads and writes them, little-endian. */
struct vmem_request {
    uint16_t type;
    uint16_t padding0[3];
    uint64_t address;
    uint16_t nr_blocks;
    uint16_t padding1[3];
};
struct vmem_response {
    uint16_t type;
    uint16_t padding[3];
    uint16_t state; /* answer to STATE only */
};
_Static_assert(sizeof(struct vmem_request) == 24, "the format of a request");
_Static_assert(sizeof(struct vmem_response) == 10, "the format of a response");

struct vmem_message {
    struct vmem_request request;
    struct vmem_response response;
};

/* What the worker does next. */
enum vmem_step {
    VMEM_AGAIN,   /* look again at once */
    VMEM_DOUBT,   /* the same, but the device's blocks first */
    VMEM_SETTLED, /* all is as requested, or only a change of the configuration helps */
    VMEM_HELD,    /* mm cannot do it now: wait for it, or for a change */
    VMEM_LATER,   /* the device is busy: a little later */
    VMEM_STOP,    /* nothing more with this device until its reset */
};

/* For `vmem`. */
enum vmem_activity {
    VMEM_IDLE,
    VMEM_PLUGGING,
    VMEM_UNPLUGGING,
    VMEM_CHECKING,
    VMEM_WAITING,
};

struct vmem {
    struct virtio_device *dev;
    struct virtqueue *queue;      /* NULL: no live device */
    struct vmem_message *message; /* the one request that is in flight */

    struct elastic_region region;
    bool registered;         /* the region is known to mm, from then on for ever */
    struct phys_range taken; /* out of mm's use, and not known to be unplugged; mostly empty */
    bool in_step;            /* device and mm agree on every block */
    bool doubted;            /* the device made no sense since all was last as requested */
    bool given_up;

    struct virtio_worker worker;
    struct waitqueue answers; /* the worker waits here for the device */
    bool config_changed;      /* a wish; it also cancels what mm does for the old one */
    bool memory_changed;      /* a wish of mm's */
    uint64_t backoff_ns;      /* next wait for a busy device */

    struct reclaimer reclaimer; /* who is short of memory waits for what is being plugged */

    /* as last read */
    uint64_t usable;
    uint64_t plugged;
    uint64_t requested;

    enum vmem_activity activity;
    const char *reason;             /* why it waits, or NULL */
    struct elastic_refusal refusal; /* what mm said last, zero: nothing */
    uint64_t told_requested;        /* what is in the way was logged for this request */
    bool told;
    bool told_rounding;
    bool told_config;

    uint64_t count[VMEM_REQUESTS][VMEM_ANSWERS];
};

static inline uint64_t vmem_range_bytes(const struct phys_range *range)
{
    return range->end - range->start;
}

/* Bytes that mm has in use. Worker, or when it is parked; else a snapshot. */
static inline uint64_t vmem_in_use(const struct vmem *vmem)
{
    return READ_ONCE(vmem->region.plugged) * vmem->region.subblock;
}

/* The size to reach: whole blocks of what is requested. */
static inline uint64_t vmem_target(const struct vmem *vmem)
{
    return ALIGN_DOWN(READ_ONCE(vmem->requested), vmem->region.subblock);
}

/* ---- mem_config.c ---- */

/*
 * Read what never changes, and check it. The first time it makes the region; later it must be
 * what it was. Returns 0 or an error that has been logged.
 */
int vmem_read_geometry(struct vmem *vmem);

/*
 * Read and check the sizes that change. Returns 0; -EINVAL when they make no sense (logged
 * once); another error when they cannot be read.
 */
int vmem_read_sizes(struct vmem *vmem);

/* ---- mem_request.c, worker only ---- */

extern const char *const vmem_request_names[VMEM_REQUESTS];
extern const char *const vmem_answer_names[VMEM_ANSWERS];

/*
 * Send one request and wait for its answer. `range` has 1 to VMEM_REQUEST_BLOCKS blocks (empty
 * for UNPLUG_ALL); `state` is filled in for a STATE that was acknowledged.
 */
enum vmem_answer vmem_request(struct vmem *vmem, enum vmem_request_type type,
                              const struct phys_range *range, enum vmem_block_state *state);

/* What follows from an answer that is not ACK. */
enum vmem_step vmem_not_done(struct vmem *vmem, enum vmem_request_type type,
                             const struct phys_range *range, enum vmem_answer answer);

/*
 * The device made no sense: VMEM_DOUBT. If it was asked for its blocks since all was last as
 * requested, it is given up instead, and the core resets it: VMEM_STOP.
 */
enum vmem_step vmem_doubt(struct vmem *vmem, const char *why);

/* The same with what `said` it to a request. */
enum vmem_step vmem_doubt_answer(struct vmem *vmem, enum vmem_request_type type,
                                 const struct phys_range *range, const char *said);

/* ---- mem_sync.c, worker only ---- */

/* Ask the device for the state of its blocks and make mm agree with it. */
enum vmem_step vmem_sync(struct vmem *vmem);

/* ---- mem_plan.c, worker only ---- */

/* Read the sizes; VMEM_AGAIN: they can be used. */
enum vmem_step vmem_look(struct vmem *vmem);

/* One request towards the requested size. */
enum vmem_step vmem_converge(struct vmem *vmem);

/* ---- mem_worker.c ---- */

void vmem_worker_init(struct vmem *vmem);
/* Let it run: the device is live. */
void vmem_worker_start(struct vmem *vmem);
/* Wait until it touches nothing any more. The queue is broken, so it comes soon. */
void vmem_worker_park(struct vmem *vmem);
/* Make it look at the configuration, and drop what it does for the old one. */
void vmem_worker_config_changed(struct vmem *vmem);
/* Begin to let threads that are short of memory wait for more; once. */
void vmem_worker_help(struct vmem *vmem);
/* The region's changed(). */
void vmem_worker_memory_changed(struct elastic_region *region);

#endif
