/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver's worker thread. It stays when the device is reset and is parked meanwhile, so that
 * nobody has to wait for a thread's very last instruction.
 */
#ifndef VIRTIO_WORKER_H
#define VIRTIO_WORKER_H

#include <neap/thread.h>
#include <neap/wait.h>
#include <stdbool.h>

struct virtio_worker {
    /* set by virtio_worker_init() */
    void (*serve)(struct virtio_worker *self);
    struct waitqueue events;  /* the worker waits here for wishes */
    struct waitqueue settled; /* others wait here for the worker */
    /* its own */
    struct thread *thread; /* NULL: not created yet */
    bool run;              /* it may touch the device */
    bool parked;           /* it does not */
};

/*
 * Prepare a worker, parked. serve() runs in its thread from each start on and returns when
 * virtio_worker_may_run() ends, which it looks at in every wait on `events`, or when the device
 * is of no use any more. Any context.
 */
void virtio_worker_init(struct virtio_worker *worker,
                        void (*serve)(struct virtio_worker *self));

/* Create the thread if there is none yet. 0 or -ENOMEM. Thread context. */
int virtio_worker_create(struct virtio_worker *worker, const char *name);

/* serve() begins. The worker is created and parked. Any context. */
void virtio_worker_start(struct virtio_worker *worker);

/* Ask serve() to return, and whoever waits on `settled` to look again. Any context. */
void virtio_worker_stop(struct virtio_worker *worker);

/* Stop the worker and wait until it is parked. Thread context, not the worker's own. */
void virtio_worker_park(struct virtio_worker *worker);

/* Has nobody stopped the worker since its start? Any context. */
bool virtio_worker_may_run(const struct virtio_worker *worker);

#endif
