/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon's worker thread. It stays when the device is reset and is parked meanwhile, so
 * that nobody has to wait for a thread's very last instruction.
 */
#include "balloon.h"
#include <arch/barrier.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/thread.h>
#include <neap/timer.h>

/* How often a target that could not be met is looked at again. */
#define RETRY_NS NS_PER_S

static bool may_run(void *arg)
{
    return READ_ONCE(((struct balloon *)arg)->run);
}

static bool must_stop(void *arg)
{
    return !may_run(arg);
}

static bool is_parked(void *arg)
{
    return READ_ONCE(((struct balloon *)arg)->parked);
}

static bool is_started(void *arg)
{
    return !is_parked(arg);
}

static bool has_wish(void *arg)
{
    const struct balloon *balloon = arg;

    return must_stop(arg) || READ_ONCE(balloon->config_changed) ||
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
    return may_run(balloon) && !virtqueue_broken(balloon->queues[BALLOON_INFLATE]);
}

static void worker_main(void *arg)
{
    struct balloon *balloon = arg;

    for (;;) {
        /* Not may_run(): it may be false again by now, and who parks it waits for an answer. */
        (void)wait_until(&balloon->events, is_started, balloon, WAIT_FOREVER);
        while (device_works(balloon))
            if (!step(balloon))
                (void)wait_until(&balloon->events, has_wish, balloon,
                                 balloon->unmet ? RETRY_NS : WAIT_FOREVER);
        (void)wait_until(&balloon->events, must_stop, balloon, WAIT_FOREVER);
        WRITE_ONCE(balloon->parked, true);
        wake_all(&balloon->settled);
    }
}

int balloon_worker_create(struct balloon *balloon)
{
    if (!balloon->worker)
        balloon->worker = thread_create("balloon", THREAD_NORMAL, worker_main, balloon);
    return balloon->worker ? 0 : -ENOMEM;
}

/* The flags change here together: the worker itself only ever says that it is parked. */
void balloon_worker_start(struct balloon *balloon)
{
    WRITE_ONCE(balloon->run, true);
    /* After `run`, or the worker would park itself again at once. */
    barrier_full();
    WRITE_ONCE(balloon->parked, false);
    wake_all(&balloon->events);
}

void balloon_worker_park(struct balloon *balloon)
{
    WRITE_ONCE(balloon->run, false);
    wake_all(&balloon->events);
    wake_all(&balloon->settled);
    (void)wait_until(&balloon->settled, is_parked, balloon, WAIT_FOREVER);
}
