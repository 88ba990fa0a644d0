/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network devices: what is known of them, and their settings.
 */
#include "internal.h"
#include <neap/errors.h>
#include <neap/format.h>
#include <string.h>

/* Devices are registered at start-up and stay for ever, so the list is walked without a lock.
 */
static struct list devices = LIST_INIT(devices);
static struct mutex devices_lock =
    MUTEX_INIT(devices_lock, "network devices", LOCK_RANK_DRIVER);
static unsigned nr_devices;

/* Upcalls may wait for a lock of the stack, so they have a thread that nobody else needs. */
static struct workqueue event_queue;

static void tell_user(struct work *work)
{
    struct netdev *dev = container_of(work, struct netdev, event_work);
    unsigned events = __atomic_exchange_n(&dev->events, 0, __ATOMIC_ACQ_REL);

    if (READ_ONCE(dev->open) && !READ_ONCE(dev->closing) && events && dev->upcalls.event)
        dev->upcalls.event(dev->arg, events);
}

int netdev_register(struct netdev *dev)
{
    int error = 0;

    mutex_init(&dev->lock, "network device", LOCK_RANK_DRIVER);
    waitqueue_init(&dev->settled, "network poll");
    work_init(&dev->event_work, tell_user);
    for (unsigned i = 0; i < NETDEV_QUEUES_MAX; i++) {
        dev->queues[i].dev = dev;
        dev->queues[i].index = i;
        waitqueue_init(&dev->queues[i].work, "network device");
    }
    mutex_lock(&devices_lock);
    if (nr_devices == 0)
        error = workqueue_init(&event_queue, "netdev");
    if (!error) {
        dev->info.driver = dev->ops->driver;
        format_string(dev->info.name, sizeof(dev->info.name), "net%u", nr_devices++);
        list_push_back(&devices, &dev->link);
    }
    mutex_unlock(&devices_lock);
    return error;
}

void netdev_notify(struct netdev *dev, unsigned events)
{
    __atomic_fetch_or(&dev->events, events, __ATOMIC_ACQ_REL);
    work_queue(&event_queue, &dev->event_work);
}

void netdev_flush_events(struct netdev *dev)
{
    work_flush(&event_queue, &dev->event_work);
}

void netdev_for_each(void (*fn)(struct netdev *, void *), void *arg)
{
    struct list *pos;

    list_for_each (pos, &devices)
        fn(list_entry(pos, struct netdev, link), arg);
}

void netdev_info_get(struct netdev *dev, struct netdev_info *info)
{
    mutex_lock(&dev->lock);
    *info = dev->info;
    mutex_unlock(&dev->lock);
}

/* All fields are counters of one width: that is what makes a loop of it. */
_Static_assert(sizeof(struct netdev_stats) % sizeof(uint64_t) == 0, "64-bit counters only");

void netdev_stats_get(struct netdev *dev, int queue, struct netdev_stats *stats)
{
    uint64_t *sums = (uint64_t *)stats;

    memset(stats, 0, sizeof(*stats));
    for (int i = 0; i < NETDEV_QUEUES_MAX; i++) {
        const uint64_t *counts = (const uint64_t *)&dev->queues[i].stats;

        for (unsigned j = 0; j < sizeof(*stats) / sizeof(*sums) && (queue < 0 || queue == i);
             j++)
            sums[j] += READ_ONCE(counts[j]);
    }
}

void netdev_release_frame(struct netdev_buffer *frame)
{
    while (frame) {
        struct netdev_buffer *next = frame->next;

        netdev_release(frame);
        frame = next;
    }
}

/* ---- settings ---- */

static int begin_setting(struct netdev *dev, bool can)
{
    mutex_lock(&dev->lock);
    return !can ? -ENOTSUP : dev->info.live ? 0 : -ENETDOWN;
}

static int end_setting(struct netdev *dev, int error)
{
    mutex_unlock(&dev->lock);
    return error;
}

int netdev_set_mac(struct netdev *dev, const uint8_t mac[NETDEV_MAC_BYTES])
{
    static const uint8_t none[NETDEV_MAC_BYTES];
    int error = begin_setting(dev, dev->ops->set_mac && dev->info.caps & NETDEV_CAP_SET_MAC);

    if (!error && (mac[0] & 1 || !memcmp(mac, none, sizeof(none))))
        error = -EINVAL;
    if (!error)
        error = dev->ops->set_mac(dev, mac);
    if (!error)
        memcpy(dev->info.mac, mac, sizeof(dev->info.mac));
    return end_setting(dev, error);
}

int netdev_set_filter(struct netdev *dev, const struct netdev_filter *filter)
{
    int error = begin_setting(dev, dev->ops->set_filter && dev->info.caps & NETDEV_CAP_FILTER);

    if (!error && (filter->nr_unicast > NETDEV_FILTER_MAX ||
                   filter->nr_multicast > NETDEV_FILTER_MAX - filter->nr_unicast))
        error = -EINVAL;
    return end_setting(dev, error ? error : dev->ops->set_filter(dev, filter));
}

int netdev_set_vlan(struct netdev *dev, uint16_t id, bool on)
{
    int error = begin_setting(dev, dev->ops->set_vlan && dev->info.caps & NETDEV_CAP_VLAN);

    if (!error && id > 4094)
        error = -EINVAL;
    return end_setting(dev, error ? error : dev->ops->set_vlan(dev, id, on));
}

int netdev_set_rx_offloads(struct netdev *dev, uint32_t caps)
{
    int error = begin_setting(dev, dev->ops->set_rx_offloads != NULL);

    if (!error && caps & ~(dev->info.caps & NETDEV_CAPS_RX))
        error = -ENOTSUP;
    if (!error)
        error = dev->ops->set_rx_offloads(dev, caps);
    if (!error)
        dev->info.rx_enabled = caps;
    return end_setting(dev, error);
}

int netdev_set_coalescing(struct netdev *dev, const struct netdev_coalescing *coalescing)
{
    int error =
        begin_setting(dev, dev->ops->set_coalescing && dev->info.caps & NETDEV_CAP_COALESCE);

    return end_setting(dev, error ? error : dev->ops->set_coalescing(dev, coalescing));
}

static int begin_queue_setting(struct netdev *dev, unsigned queue, bool can)
{
    int error = begin_setting(dev, can && dev->info.caps & NETDEV_CAP_COALESCE_QUEUE);

    return error ? error : queue < dev->info.nr_queues ? 0 : -EINVAL;
}

int netdev_set_queue_coalescing(struct netdev *dev, unsigned queue,
                                const struct netdev_coalescing *coalescing)
{
    int error = begin_queue_setting(dev, queue, dev->ops->set_queue_coalescing);

    return end_setting(dev,
                       error ? error : dev->ops->set_queue_coalescing(dev, queue, coalescing));
}

int netdev_get_queue_coalescing(struct netdev *dev, unsigned queue,
                                struct netdev_coalescing *coalescing)
{
    int error = begin_queue_setting(dev, queue, dev->ops->get_queue_coalescing);

    return end_setting(dev,
                       error ? error : dev->ops->get_queue_coalescing(dev, queue, coalescing));
}

int netdev_device_stats(struct netdev *dev,
                        void (*fn)(void *arg, unsigned queue, const char *name, uint64_t value),
                        void *arg)
{
    int error =
        begin_setting(dev, dev->ops->device_stats && dev->info.caps & NETDEV_CAP_DEVICE_STATS);

    return end_setting(dev, error ? error : dev->ops->device_stats(dev, fn, arg));
}
