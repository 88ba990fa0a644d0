/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which queue has which number. The specification fixes them (statistics 2, hinting 3,
 * reporting 4); QEMU and most others leave no gaps and number the queues of the features that
 * they offer. Both kinds exist, so the device is asked which queues it has.
 */
#include "balloon.h"
#include <neap/errors.h>
#include <neap/log.h>

static const struct {
    const char *name;
    unsigned feature;  /* that brings the queue; 0 for the two that always exist */
    unsigned max_size; /* of the ring: more would lie idle */
} kinds[BALLOON_QUEUES] = {
    [BALLOON_INFLATE] = {"inflate", 0, BALLOON_REQUESTS},
    [BALLOON_DEFLATE] = {"deflate", 0, BALLOON_REQUESTS},
    [BALLOON_STATS] = {"stats", BALLOON_F_STATS_VQ, 1},
    [BALLOON_HINT] = {"hint", BALLOON_F_FREE_PAGE_HINT, 128},
    [BALLOON_REPORT] = {"report", BALLOON_F_PAGE_REPORTING, BALLOON_REPORT_RANGES},
};

static bool offered(struct virtio_device *dev, enum balloon_queue queue)
{
    return queue <= BALLOON_DEFLATE || virtio_offered(dev, kinds[queue].feature);
}

/*
 * Does the device leave gaps for features that it does not offer? Then the last queue offered
 * has its number of the specification, which a device without gaps does not reach. A device
 * with queues of its own behind these (crosvm) reaches it, and is known to leave no gaps.
 */
static bool has_gaps(struct virtio_device *dev)
{
    unsigned last = BALLOON_DEFLATE;

    for (unsigned i = BALLOON_STATS; i < BALLOON_QUEUES; i++)
        if (offered(dev, i))
            last = i;
    return virtio_queue_exists(dev, last) && !virtio_offered(dev, BALLOON_F_WORKING_SET);
}

/* What is offered decides the numbers, accepted or not. */
static void number_queues(struct virtio_device *dev, unsigned numbers[BALLOON_QUEUES])
{
    bool gaps = has_gaps(dev);
    unsigned next = 0;

    for (unsigned i = 0; i < BALLOON_QUEUES; i++) {
        numbers[i] = gaps ? i : next;
        next += offered(dev, i);
    }
}

/* A feature whose queue is missing is lost, the rest of the device is not. */
static bool in_use(struct virtio_device *dev, enum balloon_queue queue, unsigned number)
{
    if (queue <= BALLOON_DEFLATE)
        return true;
    if (!virtio_accepted(dev, kinds[queue].feature))
        return false;
    if (virtio_queue_exists(dev, number))
        return true;
    log_warning("balloon", "%s: offers the %s feature but has no queue %u for it", dev->name,
                kinds[queue].name, number);
    return false;
}

/* The worker waits for inflate, deflate and hints, the reporting thread for reports. */
static void worker_callback(struct virtqueue *queue, void *arg)
{
    struct balloon *balloon = arg;

    (void)queue;
    wake_all(&balloon->answers);
}

static void report_callback(struct virtqueue *queue, void *arg)
{
    struct balloon *balloon = arg;

    (void)queue;
    wake_all(&balloon->report_answers);
}

static virtqueue_callback_t callback_of(enum balloon_queue queue)
{
    return queue == BALLOON_STATS    ? balloon_stats_callback
           : queue == BALLOON_REPORT ? report_callback
                                     : worker_callback;
}

int balloon_find_queues(struct balloon *balloon, struct virtio_device *dev)
{
    struct virtio_queue_request requests[BALLOON_QUEUES];
    enum balloon_queue kind_of[BALLOON_QUEUES];
    unsigned nr = 0;
    int error;

    number_queues(dev, balloon->queue_numbers);
    for (unsigned i = 0; i < BALLOON_QUEUES; i++) {
        balloon->queues[i] = NULL;
        if (!in_use(dev, i, balloon->queue_numbers[i]))
            continue;
        kind_of[nr] = i;
        requests[nr++] = (struct virtio_queue_request){
            .index = balloon->queue_numbers[i],
            .name = kinds[i].name,
            .callback = callback_of(i),
            .arg = balloon,
            .max_size = kinds[i].max_size,
            .max_pieces = i == BALLOON_REPORT ? kinds[i].max_size : 1,
            .gives_memory = i == BALLOON_HINT || i == BALLOON_REPORT,
        };
    }
    error = virtio_find_queues(dev, requests, nr);
    for (unsigned i = 0; i < nr; i++)
        balloon->queues[kind_of[i]] = requests[i].queue;
    return error;
}
