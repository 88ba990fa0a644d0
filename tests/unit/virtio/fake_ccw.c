/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of a virtio device behind a channel.
 */
#include "fake_ccw.h"
#include <errno.h>
#include <neap/endian.h>
#include <neap/sections.h>
#include <string.h>

LINKER_TABLE(__typeof__(const struct ccw_driver *), ccw_driver);

struct fake_channel channel;

/* CCW-003: lengths that are not fixed are those of the configuration. */
static const uint8_t lengths[256] = {
    [CCW_SET_QUEUE] = 32,
    [CCW_WRITE_FEATURES] = 5,
    [CCW_READ_FEATURES] = 5,
    [CCW_WRITE_STATUS] = 1,
    [CCW_READ_QUEUE] = 4,
    [CCW_SET_INDICATORS] = 8,
    [CCW_SET_CONFIG_INDICATORS] = 8,
    [CCW_READ_STATUS] = 1,
    [CCW_SET_ADAPTER_INDICATORS] = 25,
    [CCW_SET_REVISION] = 4,
};

static int set_revision(const struct ccw_revision *wanted)
{
    CHECK_EQ(channel.revision, 0); /* CCW-006 */
    CHECK_EQ(wanted->length, 0);
    CHECK(channel.nr_tries < CHANNEL_TRIES);
    channel.tries[channel.nr_tries++] = wanted->revision;
    if (wanted->revision > channel.max_revision)
        return -ENOTSUP;
    channel.revision = wanted->revision;
    return 0;
}

static int write_status(uint8_t status)
{
    CHECK_EQ(channel.status & ~status, 0); /* STATUS-002 */
    if (channel.refuses_features && status & ~channel.status & VIRTIO_STATUS_FEATURES_OK)
        return -ENOTSUP;
    channel.status = status;
    return 0;
}

static int reset(void)
{
    if (channel.resets_failing) {
        channel.resets_failing--;
        channel.revision = 0; /* as after a reset of the machine */
        return -EIO;
    }
    channel.status = 0;
    channel.accepted = (struct virtio_features){0};
    memset(channel.queues, 0, sizeof(channel.queues));
    return 0;
}

static int move_features(struct ccw_features *part, bool reads)
{
    CHECK(part->index < 2 * VIRTIO_FEATURE_WORDS);
    if (reads)
        part->word =
            le32((uint32_t)(channel.offered.word[part->index / 2] >> (part->index % 2 * 32)));
    else
        channel.accepted.word[part->index / 2] |= (uint64_t)le32(part->word)
                                                  << (part->index % 2 * 32);
    return 0;
}

static int set_queue(const struct ccw_queue *queue)
{
    CHECK(queue->index < CHANNEL_QUEUES && queue->size <= 8);
    CHECK(!channel.queues[queue->index].size && !(channel.status & VIRTIO_STATUS_DRIVER_OK));
    channel.queues[queue->index] = *queue;
    return 0;
}

static int move_config(struct ccw_request *request)
{
    unsigned length = MIN(request->length, CHANNEL_CONFIG);

    CHECK(request->length > 0);
    request->residual = request->length - length;
    if (request->reads) {
        CHECK(request->short_is_fine);
        memcpy(request->data, channel.config, length);
    } else {
        CHECK(!request->residual && channel.status & VIRTIO_STATUS_FEATURES_OK);
        memcpy(channel.config, request->data, length);
    }
    return 0;
}

static int set_indicators(const struct ccw_request *request)
{
    if (request->command == CCW_SET_ADAPTER_INDICATORS) {
        if (channel.refuses_adapter)
            return -ENOTSUP;
        memcpy(&channel.adapter, request->data, sizeof(channel.adapter));
        CHECK_EQ(channel.adapter.isc, CCW_ADAPTER_ISC);
    } else if (request->command == CCW_SET_INDICATORS) {
        memcpy(&channel.queue_bits, request->data, sizeof(channel.queue_bits));
    } else {
        memcpy(&channel.config_bits, request->data, sizeof(channel.config_bits));
    }
    return 0;
}

static int run(struct ccw_request *request)
{
    struct ccw_queue_size *size = request->data;

    switch (request->command) {
    case CCW_SET_REVISION:
        return set_revision(request->data);
    case CCW_RESET:
        return reset();
    case CCW_READ_FEATURES:
    case CCW_WRITE_FEATURES:
        return move_features(request->data, request->reads);
    case CCW_WRITE_STATUS:
        return write_status(*(uint8_t *)request->data);
    case CCW_READ_STATUS:
        CHECK(channel.revision >= 2); /* CCW-010 */
        channel.status_reads++;
        *(uint8_t *)request->data = channel.status;
        return 0;
    case CCW_READ_QUEUE:
        size->max_size = size->index < CHANNEL_QUEUES ? 8 : 0;
        return 0;
    case CCW_SET_QUEUE:
        return set_queue(request->data);
    case CCW_READ_CONFIG:
    case CCW_WRITE_CONFIG:
        return move_config(request);
    default:
        return set_indicators(request);
    }
}

int ccw_command(struct ccw_device *dev, struct ccw_request *request)
{
    bool config = request->command == CCW_READ_CONFIG || request->command == CCW_WRITE_CONFIG;

    CHECK(dev == &channel.ccw && !channel.disabled);
    channel.commands++;
    if (!config)
        CHECK_EQ(request->length, lengths[request->command]);
    if (request->command != CCW_SET_REVISION && request->command != CCW_RESET)
        CHECK(channel.revision > 0); /* CCW-005 */
    return run(request);
}

/* ---- the rest of the bus ---- */

int ccw_enable(struct ccw_device *dev UNUSED)
{
    return 0;
}

void ccw_disable(struct ccw_device *dev UNUSED)
{
    channel.disabled = true;
}

int ccw_adapter_attach(void (*handler)(void *), void *arg)
{
    CHECK(!channel.handler);
    channel.handler = handler;
    channel.handler_arg = arg;
    return 0;
}

void ccw_adapter_detach(void (*handler)(void *), void *arg)
{
    CHECK(channel.handler == handler && channel.handler_arg == arg);
    channel.handler = NULL;
}

void ccw_synchronize(void)
{
}

/* CCW-012 */
int64_t arch_virtio_ccw_notify(subchannel_t id, uint32_t data, int64_t cookie)
{
    unsigned index = data & 0xffff;

    CHECK(id == channel.ccw.id && index < CHANNEL_QUEUES);
    CHECK(channel.status & VIRTIO_STATUS_DRIVER_OK);
    CHECK_EQ(cookie, channel.cookies[index]);
    channel.notification = data;
    return channel.cookies[index] = 1000 + ++channel.notified;
}

void channel_create(void)
{
    shim_boot(64 * MIB);
    channel.ccw.id = SUBCHANNEL(0, 7);
    channel.ccw.number = 0x1234;
    channel.ccw.unit_type = 0x3832;
    channel.ccw.unit_model = TEST_DEVICE_ID;
    channel.max_revision = 2;
    virtio_features_set(&channel.offered, VIRTIO_F_VERSION_1);
    script.nr_queues = CHANNEL_QUEUES;
    for (unsigned i = 0; i < CHANNEL_QUEUES; i++)
        script.indices[i] = i;
}

const struct ccw_driver *channel_driver(void)
{
    const struct ccw_driver *const *driver;

    LINKER_TABLE_FOR_EACH(driver, ccw_driver)
    {
        if ((*driver)->unit_type == channel.ccw.unit_type)
            return *driver;
    }
    return NULL;
}

int channel_probe(void)
{
    CHECK(channel_driver() != NULL);
    return channel_driver()->probe(&channel.ccw);
}

struct virtio_device *channel_device(void)
{
    return &((struct ccw_transport *)channel.ccw.driver_data)->dev;
}

static void interrupt(void)
{
    irqflags_t flags;

    shim_irq_enter(&flags);
    if (channel.handler)
        channel.handler(channel.handler_arg);
    if (channel.ccw.attention)
        channel.ccw.attention(&channel.ccw);
    shim_irq_exit(flags);
}

void channel_raise(unsigned index)
{
    if (channel.handler) {
        *(uint64_t *)shim_phys(channel.adapter.indicators) |= UINT64_C(1) << 63 >> index;
        *(uint8_t *)shim_phys(channel.adapter.summary) = 1;
    } else {
        *(uint64_t *)shim_phys(channel.queue_bits) |= UINT64_C(1) << index;
    }
    interrupt();
}

void channel_config_changed(void)
{
    *(uint64_t *)shim_phys(channel.config_bits) |= 1;
    interrupt();
}
