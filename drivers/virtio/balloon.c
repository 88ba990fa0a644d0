/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon driver: coming and going of a device.
 *
 * What the balloon allocated stays with it when its device is reset; only the pages go back to
 * the buddy then: a device that was reset owns none (its num_pages persists, so the worker
 * starts to inflate anew).
 */
#include "balloon.h"
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/log.h>
#include <neap/memory.h>
#include <neap/panic.h>

static struct balloon *balloon_create(struct virtio_device *dev)
{
    struct balloon *balloon = kcalloc(1, sizeof(*balloon), 0);

    if (!balloon)
        return NULL;
    balloon->batch = kcalloc(BALLOON_BATCH_PAGES, sizeof(*balloon->batch), 0);
    balloon->stats = kcalloc(BALLOON_STATS_TAGS, BALLOON_STATS_ENTRY_BYTES, 0);
    balloon->hint_words = kcalloc(2, sizeof(*balloon->hint_words), 0);
    if (!balloon->batch || !balloon->stats || !balloon->hint_words) {
        kfree(balloon->batch);
        kfree(balloon->stats);
        kfree(balloon->hint_words);
        kfree(balloon);
        return NULL;
    }
    waitqueue_init(&balloon->answers, "balloon device");
    waitqueue_init(&balloon->report_answers, "report");
    balloon_worker_init(balloon);
    balloon_stats_init(balloon, dev);
    balloon_oom_init(balloon);
    return balloon;
}

/* The fields that every balloon has; others only behind their feature (CFG-004). */
static int read_config(struct virtio_device *dev)
{
    uint64_t value;
    int error = virtio_config_get(dev, BALLOON_CONFIG_NUM_PAGES, 4, &value);

    if (!error)
        error = virtio_config_put(dev, BALLOON_CONFIG_ACTUAL, 4, 0);
    /* BALLOON-035, -036: now, before DRIVER_OK, and never again. */
    if (!error && virtio_accepted(dev, BALLOON_F_PAGE_POISON))
        error = virtio_config_put(dev, BALLOON_CONFIG_POISON, 4,
                                  (uint64_t)page_poison() * UINT32_C(0x01010101));
    if (!error && virtio_accepted(dev, BALLOON_F_FREE_PAGE_HINT))
        error = virtio_config_get(dev, BALLOON_CONFIG_HINT_ID, 4, &value);
    if (error)
        log_error("balloon", "%s: its configuration space is too short or unstable", dev->name);
    return error;
}

static void forget_past(struct balloon *balloon)
{
    balloon->target = balloon->unmet = balloon->told_target = 0;
    balloon->hint_round = balloon->hint_last = 0;
    balloon->hint_in_flight = 0;
    balloon->batch_pages = 0;
    balloon->config_changed = true;
}

/*
 * Lent blocks say that a balloon holds them, not which one, and nobody has use for a second:
 * the first one is it, from then on for ever.
 */
static bool is_the_one(struct virtio_device *dev)
{
    static struct virtio_device *the_one;
    struct virtio_device *none = NULL;

    if (__atomic_compare_exchange_n(&the_one, &none, dev, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE) ||
        none == dev)
        return true;
    log_error("balloon", "%s: there is one already (%s); use that and drop this one", dev->name,
              none->name);
    return false;
}

static int balloon_probe(struct virtio_device *dev)
{
    struct balloon *balloon = dev->driver_data;
    int error;

    if (!is_the_one(dev))
        return -EBUSY;
    if (!balloon)
        balloon = dev->driver_data = balloon_create(dev);
    if (!balloon)
        return -ENOMEM;
    error = read_config(dev);
    if (!error)
        error = balloon_find_queues(balloon, dev);
    if (error)
        return error;
    balloon->dev = dev;
    forget_past(balloon);
    error = virtio_worker_create(&balloon->worker, "balloon");
    if (!error && balloon->queues[BALLOON_STATS])
        error = balloon_stats_offer(balloon);
    if (error) {
        balloon->dev = NULL;
        return error;
    }
    /* Nothing may fail from here on: the device holds buffers of ours. */
    virtio_device_ready(dev);
    virtio_worker_start(&balloon->worker);
    balloon_report_start(balloon);
    balloon_oom_start(balloon);
    balloon_vacate_start(balloon);
    return 0;
}

static void balloon_config_changed(struct virtio_device *dev)
{
    struct balloon *balloon = dev->driver_data;

    WRITE_ONCE(balloon->config_changed, true);
    wake_all(&balloon->worker.events);
}

static void balloon_quiesce(struct virtio_device *dev)
{
    struct balloon *balloon = dev->driver_data;

    virtio_worker_park(&balloon->worker);
    balloon_report_stop(balloon);
}

static void balloon_remove(struct virtio_device *dev)
{
    struct balloon *balloon = dev->driver_data;
    uint64_t freed;

    for (unsigned i = 0; i < BALLOON_QUEUES; i++)
        balloon->queues[i] = NULL;
    memory_account_balloon(-(int64_t)balloon->actual);
    balloon->actual = 0;
    freed = balloon_chunks_free(&balloon->inflated);
    freed += balloon_chunks_free(&balloon->moving);
    freed += balloon_chunks_free(&balloon->hinted);
    balloon_oom_stop(balloon, freed);
    balloon_vacate_stop(balloon, freed);
    balloon->dev = NULL;
}

static const int balloon_features[] = {
    BALLOON_F_MUST_TELL_HOST,
    BALLOON_F_STATS_VQ,
    BALLOON_F_DEFLATE_ON_OOM,
    BALLOON_F_FREE_PAGE_HINT,
    BALLOON_F_PAGE_POISON,
    BALLOON_F_PAGE_REPORTING,
    -1,
};

/*
 * BALLOON-002: without poisoning, free pages hold no value that the host could be told.
 * BALLOON-003: with it they hold one, and a host that cannot be told would not keep it.
 */
static int balloon_check_features(struct virtio_device *dev, struct virtio_features *accepted)
{
    bool reports = virtio_features_test(accepted, BALLOON_F_PAGE_REPORTING);

    if (page_poison() == PAGE_POISON_OFF) {
        accepted->word[0] &= ~(UINT64_C(1) << BALLOON_F_PAGE_POISON);
    } else if (!virtio_features_test(accepted, BALLOON_F_PAGE_POISON)) {
        accepted->word[0] &= ~(UINT64_C(1) << BALLOON_F_PAGE_REPORTING);
        if (reports)
            log_warning("balloon", "%s: knows nothing of poison=%d: no pages are reported",
                        dev->name, page_poison());
    } else if (page_poison() && reports) {
        log_info("balloon", "%s: poison=%d: hosts keep what is reported unless it is 0",
                 dev->name, page_poison());
    }
    return 0;
}

static const struct virtio_driver balloon_driver = {
    .name = "balloon",
    .device_id = VIRTIO_ID_BALLOON,
    .features = balloon_features,
    .check_features = balloon_check_features,
    .probe = balloon_probe,
    .config_changed = balloon_config_changed,
    .quiesce = balloon_quiesce,
    .remove = balloon_remove,
};

VIRTIO_DRIVER(balloon_driver);
