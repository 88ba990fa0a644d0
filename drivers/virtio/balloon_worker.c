/* SPDX-License-Identifier: BSD-2-Clause */
/* What the balloon's worker does, in which order. */
#include "balloon.h"
#include <arch/barrier.h>
#include <neap/log.h>
#include <neap/timer.h>

/* How often a target that could not be met is looked at again. */
#define RETRY_NS NS_PER_S

static bool has_wish(void *arg)
{
    const struct balloon *balloon = arg;

    return !virtio_worker_may_run(&balloon->worker) || READ_ONCE(balloon->config_changed) ||
           balloon_oom_pending(balloon) || balloon_vacate_pending(balloon);
}

static void read_target(struct balloon *balloon)
{
    uint64_t target;

    WRITE_ONCE(balloon->config_changed, false);
    /* A change behind this sets the flag again; one before it is read now. */
    barrier_full();
    if (virtio_config_get(balloon->dev, BALLOON_CONFIG_NUM_PAGES, 4, &target))
        virtio_device_misbehaved(balloon->dev, "its num_pages cannot be read");
    else
        balloon->target = target;
}

/* Everything once; returns whether there is more to do at once. */
static bool step(struct balloon *balloon)
{
    if (READ_ONCE(balloon->config_changed))
        read_target(balloon);
    balloon_oom_serve(balloon);
    balloon_vacate_serve(balloon);
    return balloon_adjust(balloon) || balloon_hint(balloon);
}

static bool device_works(struct balloon *balloon)
{
    return virtio_worker_may_run(&balloon->worker) &&
           !virtqueue_broken(balloon->queues[BALLOON_INFLATE]);
}

static void serve(struct virtio_worker *worker)
{
    struct balloon *balloon = container_of(worker, struct balloon, worker);

    while (device_works(balloon))
        if (!step(balloon))
            (void)wait_until(&worker->events, has_wish, balloon,
                             balloon->unmet ? RETRY_NS : WAIT_FOREVER);
}

void balloon_worker_init(struct balloon *balloon)
{
    virtio_worker_init(&balloon->worker, serve);
}
