/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The channel I/O transport: every register access is a channel command, but for notifications,
 * which are a call to the host.
 */
#include "ccw_transport.h"
#include <neap/endian.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/timer.h>
#include <neap/trace.h>
#include <string.h>

#define FEATURE_WORDS (VIRTIO_FEATURE_WORDS * 2)

/* More configuration than any device that we drive has. */
#define CONFIG_MAX 256

/* Parameters of the FNV-1a hash. */
#define HASH_START 2166136261u
#define HASH_PRIME 16777619u

int ccw_write(struct ccw_transport *transport, uint8_t command, void *data, unsigned length)
{
    struct ccw_request request = {.command = command, .data = data, .length = length};

    return ccw_command(transport->ccw, &request);
}

int ccw_read(struct ccw_transport *transport, uint8_t command, void *data, unsigned length)
{
    struct ccw_request request = {
        .command = command, .reads = true, .data = data, .length = length};

    return ccw_command(transport->ccw, &request);
}

static uint8_t ccw_get_status(struct virtio_device *dev)
{
    struct ccw_transport *transport = to_ccw(dev);
    uint8_t status;

    if (transport->revision >= 2 &&
        ccw_read(transport, CCW_READ_STATUS, &status, sizeof(status)) == 0)
        transport->status = status;
    return transport->status;
}

static void ccw_set_status(struct virtio_device *dev, uint8_t status)
{
    struct ccw_transport *transport = to_ccw(dev);

    /* A device refuses FEATURES_OK by rejecting the command: then the bit is not set. */
    if (ccw_write(transport, CCW_WRITE_STATUS, &status, sizeof(status)) == 0)
        transport->status = status;
}

/* A reset of the machine, or one that did not end, disables a subchannel: begin with that. */
static int reset_from_scratch(struct ccw_transport *transport)
{
    int error = ccw_enable(transport->ccw);

    if (!error)
        error = ccw_agree_on_revision(transport);
    return error ? error : ccw_write(transport, CCW_RESET, NULL, 0);
}

static int ccw_reset(struct virtio_device *dev)
{
    struct ccw_transport *transport = to_ccw(dev);
    int error = ccw_write(transport, CCW_RESET, NULL, 0);

    transport->status = 0;
    memset(transport->cookies, 0, sizeof(transport->cookies));
    if (error)
        error = reset_from_scratch(transport);
    if (!error || error == -ENODEV) /* what is unplugged reaches no memory */
        return 0;
    /* It may still write to memory that is about to be freed: cut it off. */
    ccw_disable(transport->ccw);
    return -ETIMEDOUT;
}

/* What is refused shows when the device does not take FEATURES_OK. */
static void write_features(struct virtio_device *dev, unsigned index, uint32_t word)
{
    struct ccw_features part = {.word = le32(word), .index = (uint8_t)index};

    if (ccw_write(to_ccw(dev), CCW_WRITE_FEATURES, &part, sizeof(part)))
        log_debug("virtio", "%s: refuses feature word %u", dev->name, index);
}

static void ccw_get_features(struct virtio_device *dev, struct virtio_features *features)
{
    for (unsigned i = 0; i < FEATURE_WORDS; i++) {
        struct ccw_features part = {.index = (uint8_t)i};

        if (ccw_read(to_ccw(dev), CCW_READ_FEATURES, &part, sizeof(part)) == 0)
            features->word[i / 2] |= (uint64_t)le32(part.word) << (i % 2 * 32);
    }
    /* Without it QEMU takes the driver for a legacy one and swaps the bytes of the
     * configuration, which drivers read before they accept features. */
    if (virtio_features_test(features, VIRTIO_F_VERSION_1))
        write_features(dev, VIRTIO_F_VERSION_1 / 32, 1u << VIRTIO_F_VERSION_1 % 32);
}

static void ccw_set_features(struct virtio_device *dev, const struct virtio_features *features)
{
    for (unsigned i = 0; i < FEATURE_WORDS; i++)
        write_features(dev, i, (uint32_t)(features->word[i / 2] >> (i % 2 * 32)));
}

/* The configuration from its start, little-endian. Returns bytes read, or an error. */
static int read_config(struct virtio_device *dev, uint8_t *config, unsigned length)
{
    struct ccw_request request = {.command = CCW_READ_CONFIG,
                                  .reads = true,
                                  .short_is_fine = true,
                                  .data = config,
                                  .length = length};
    int error = ccw_command(to_ccw(dev)->ccw, &request);

    return error ? error : (int)(length - request.residual);
}

/* There is no such number here: equal contents stand for equal generations. */
static uint32_t ccw_config_generation(struct virtio_device *dev)
{
    uint8_t config[CONFIG_MAX] = {0};
    uint32_t hash = HASH_START;
    int length = read_config(dev, config, sizeof(config));

    for (int i = 0; i < length; i++)
        hash = (hash ^ config[i]) * HASH_PRIME;
    return hash;
}

/* Commands begin at the start of the space: all of it as far as the end of one field. */
static int read_config_up_to(struct virtio_device *dev, uint8_t config[CONFIG_MAX],
                             unsigned end)
{
    int length = end <= CONFIG_MAX ? read_config(dev, config, end) : 0;

    if (length < 0)
        return length;
    return (unsigned)length < end ? -ERANGE : 0;
}

static int ccw_config_read(struct virtio_device *dev, unsigned offset, unsigned width,
                           uint32_t *value)
{
    uint8_t config[CONFIG_MAX] = {0};
    int error = read_config_up_to(dev, config, offset + width);

    *value = 0;
    for (unsigned i = width; i > 0 && !error; i--)
        *value = *value << 8 | config[offset + i - 1];
    return error;
}

static int ccw_config_write(struct virtio_device *dev, unsigned offset, unsigned width,
                            uint32_t value)
{
    uint8_t config[CONFIG_MAX] = {0};
    int error = read_config_up_to(dev, config, offset + width);

    for (unsigned i = 0; i < width && !error; i++)
        config[offset + i] = (uint8_t)(value >> (8 * i));
    return error ? error : ccw_write(to_ccw(dev), CCW_WRITE_CONFIG, config, offset + width);
}

static unsigned ccw_queue_max_size(struct virtio_device *dev, unsigned index)
{
    struct ccw_queue_size size = {.index = (uint16_t)index};

    return ccw_read(to_ccw(dev), CCW_READ_QUEUE, &size, sizeof(size)) ? 0 : size.max_size;
}

static int ccw_queue_enable(struct virtio_device *dev, unsigned index, unsigned size,
                            const struct virtqueue_areas *areas)
{
    struct ccw_queue queue = {.descriptor = areas->descriptor,
                              .index = (uint16_t)index,
                              .size = (uint16_t)size,
                              .driver = areas->driver,
                              .device = areas->device};

    return ccw_write(to_ccw(dev), CCW_SET_QUEUE, &queue, sizeof(queue)) ? -EIO : 0;
}

static void ccw_notify(struct virtio_device *dev, unsigned index, uint32_t data)
{
    struct ccw_transport *transport = to_ccw(dev);
    uint64_t begin = clock_ns();
    int64_t cookie =
        arch_virtio_ccw_notify(transport->ccw->id, data, READ_ONCE(transport->cookies[index]));

    /* The cookie is a hint that lets the host find the queue faster. */
    WRITE_ONCE(transport->cookies[index], MAX(cookie, 0));
    trace_record(TRACE_KICK, index, transport->ccw->id, (uintptr_t)__builtin_return_address(0),
                 begin, clock_ns());
}

const struct virtio_transport_ops ccw_transport_ops = {
    .name = "ccw",
    .get_status = ccw_get_status,
    .set_status = ccw_set_status,
    .reset = ccw_reset,
    .get_features = ccw_get_features,
    .set_features = ccw_set_features,
    .config_generation = ccw_config_generation,
    .config_read = ccw_config_read,
    .config_write = ccw_config_write,
    .queue_max_size = ccw_queue_max_size,
    .setup_interrupts = ccw_setup_interrupts,
    .queue_enable = ccw_queue_enable,
    .notify = ccw_notify,
    .release = ccw_release_interrupts,
};
