/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting and parking a driver's worker thread; worker.h says what for. */
#include "worker.h"
#include <arch/barrier.h>
#include <neap/compiler.h>
#include <neap/errors.h>

bool virtio_worker_may_run(const struct virtio_worker *worker)
{
    return READ_ONCE(worker->run);
}

static bool must_stop(void *arg)
{
    return !virtio_worker_may_run(arg);
}

static bool is_parked(void *arg)
{
    return READ_ONCE(((struct virtio_worker *)arg)->parked);
}

static bool is_started(void *arg)
{
    return !is_parked(arg);
}

static void worker_main(void *arg)
{
    struct virtio_worker *worker = arg;

    for (;;) {
        /* Not must_stop(): it may be true again by now, and who parks it waits for an answer.
         */
        (void)wait_until(&worker->events, is_started, worker, WAIT_FOREVER);
        worker->serve(worker);
        (void)wait_until(&worker->events, must_stop, worker, WAIT_FOREVER);
        WRITE_ONCE(worker->parked, true);
        wake_all(&worker->settled);
    }
}

void virtio_worker_init(struct virtio_worker *worker, void (*serve)(struct virtio_worker *self))
{
    worker->serve = serve;
    worker->parked = true;
    waitqueue_init(&worker->events, "driver wishes");
    waitqueue_init(&worker->settled, "driver worker");
}

int virtio_worker_create(struct virtio_worker *worker, const char *name)
{
    if (!worker->thread)
        worker->thread = thread_create(name, THREAD_NORMAL, worker_main, worker);
    return worker->thread ? 0 : -ENOMEM;
}

/* The flags change here together: the worker itself only ever says that it is parked. */
void virtio_worker_start(struct virtio_worker *worker)
{
    WRITE_ONCE(worker->run, true);
    /* After `run`, or the worker would park itself again at once. */
    barrier_full();
    WRITE_ONCE(worker->parked, false);
    wake_all(&worker->events);
}

void virtio_worker_stop(struct virtio_worker *worker)
{
    WRITE_ONCE(worker->run, false);
    wake_all(&worker->events);
    wake_all(&worker->settled);
}

void virtio_worker_park(struct virtio_worker *worker)
{
    virtio_worker_stop(worker);
    (void)wait_until(&worker->settled, is_parked, worker, WAIT_FOREVER);
}
