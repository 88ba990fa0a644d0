/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MMIO transport against a model of the registers, which fails the test at an access that
 * virtio 1.4, 4.2 does not know.
 */
#include "../../../drivers/virtio/mmio_registers.h"
#include "../../../drivers/virtio/mmio_transport.h"
#include "fake.h"
#include "kernel.h"
#include <errno.h>
#include <neap/bus.h>
#include <neap/sections.h>
#include <neap/virtio_mmio.h>
#include <string.h>

LINKER_TABLE(struct bus, bus);

#define QUEUES 2
#define PHYS   UINT64_C(0xfeb00000)
#define BYTES  0x200u
#define LINE   21

static struct {
    uint32_t magic, version, id;
    struct virtio_features offered, accepted;
    uint32_t select, driver_select, queue_select;
    uint32_t status, cause, notified, nr_notified;
    bool status_sticks, resetting;
    struct {
        uint32_t max_size, size, ready;
        uint64_t areas[3];
    } queues[QUEUES];
    uint8_t config[BYTES - MMIO_CONFIG];
    unsigned config_width; /* of the last access */
    uint32_t queues_taken; /* by writing 0 to QueueReady and reading it, by bit */
    uint64_t first[3];     /* registers that were read first */
    unsigned nr_reads, nr_writes;
    bool selected, driver_selected; /* a word of features, since the last one */
} model;

static uint32_t read_register(uint64_t offset)
{
    unsigned queue = model.queue_select;

    if (model.nr_reads < ARRAY_SIZE(model.first))
        model.first[model.nr_reads] = offset;
    model.nr_reads++;
    switch (offset) {
    case MMIO_MAGIC:
        return model.magic;
    case MMIO_VERSION:
        return model.version;
    case MMIO_DEVICE_ID:
        return model.id;
    case MMIO_DEVICE_FEATURES:
        CHECK(model.selected); /* MMIO-012 */
        model.selected = false;
        return (uint32_t)(model.offered.word[model.select / 2] >> (model.select % 2 * 32));
    case MMIO_QUEUE_SIZE_MAX:
        return queue < QUEUES ? model.queues[queue].max_size : 0;
    case MMIO_QUEUE_READY:
        if (model.resetting)
            model.queues_taken |= 1u << (queue & 31); /* MMIO-017 */
        return queue < QUEUES && model.queues[queue].ready;
    case MMIO_INTERRUPT_STATUS:
        return model.cause;
    case MMIO_STATUS:
        return model.status;
    case MMIO_GENERATION:
        return 0;
    }
    unit_fail(__FILE__, __LINE__, "read of register %#llx", (unsigned long long)offset);
}

static uint64_t model_read(void *arg UNUSED, uint64_t offset, unsigned width)
{
    uint64_t value = 0;

    CHECK(width <= 4 && offset % width == 0); /* MMIO-005 to -007 */
    if (offset >= MMIO_CONFIG) {
        model.config_width = width;
        for (unsigned i = 0; i < width; i++)
            value |= (uint64_t)model.config[offset - MMIO_CONFIG + i] << (8 * i);
        return value;
    }
    CHECK_EQ(width, 4);
    return read_register(offset);
}

static void write_status(uint32_t value)
{
    if (value == 0) {
        memset(model.queues, 0, sizeof(model.queues));
        memset(&model.accepted, 0, sizeof(model.accepted));
        for (unsigned i = 0; i < QUEUES; i++)
            model.queues[i].max_size = 16;
    }
    if (value || !model.status_sticks)
        model.status = value;
}

static void write_queue(uint64_t offset, uint32_t value)
{
    unsigned queue = model.queue_select;

    if (offset == MMIO_QUEUE_READY && !value) {
        CHECK(model.status_sticks);
        model.resetting = true;
        return;
    }
    CHECK(queue < QUEUES && !model.queues[queue].ready);
    if (offset == MMIO_QUEUE_READY) {
        CHECK(value == 1 && model.queues[queue].size && model.queues[queue].areas[2]);
        model.queues[queue].ready = 1;
    } else if (offset == MMIO_QUEUE_SIZE) {
        CHECK(value <= model.queues[queue].max_size);
        model.queues[queue].size = value;
    } else {
        CHECK(offset >= MMIO_QUEUE_DESCRIPTOR && offset < MMIO_QUEUE_DEVICE + 8);
        CHECK(offset % 16 < 8);
        model.queues[queue].areas[offset / 16 - 8] |= (uint64_t)value << (offset % 8 * 8);
    }
}

static void model_write(void *arg UNUSED, uint64_t offset, unsigned width, uint64_t value)
{
    CHECK(width <= 4 && offset % width == 0);
    if (offset >= MMIO_CONFIG) {
        model.config_width = width;
        for (unsigned i = 0; i < width; i++)
            model.config[offset - MMIO_CONFIG + i] = (uint8_t)(value >> (8 * i));
        return;
    }
    CHECK_EQ(width, 4);
    model.nr_writes++;
    switch (offset) {
    case MMIO_DEVICE_FEATURE_SELECT:
        model.select = (uint32_t)value;
        model.selected = true;
        return;
    case MMIO_DRIVER_FEATURE_SELECT:
        model.driver_select = (uint32_t)value;
        model.driver_selected = true;
        return;
    case MMIO_DRIVER_FEATURES:
        CHECK(model.driver_selected); /* MMIO-013 */
        model.driver_selected = false;
        model.accepted.word[model.driver_select / 2] |= value << (model.driver_select % 2 * 32);
        return;
    case MMIO_QUEUE_SELECT:
        model.queue_select = (uint32_t)value;
        return;
    case MMIO_QUEUE_NOTIFY:
        model.notified = (uint32_t)value;
        model.nr_notified++;
        return;
    case MMIO_INTERRUPT_ACK:
        CHECK_EQ(value & ~(uint64_t)(INTERRUPT_QUEUE | INTERRUPT_CONFIG), 0); /* MMIO-020 */
        model.cause &= ~(uint32_t)value;
        return;
    case MMIO_STATUS:
        write_status((uint32_t)value);
        return;
    default:
        write_queue(offset, (uint32_t)value);
    }
}

static void find_devices(void)
{
    const struct bus *found;

    LINKER_TABLE_FOR_EACH(found, bus)
    {
        if (!strcmp(found->name, "virtio_mmio"))
            found->init();
    }
}

static struct virtio_device *dev;

static void take(struct virtio_device *found, void *arg UNUSED)
{
    dev = found;
}

static void prepare(void)
{
    static const struct shim_mmio ops = {model_read, model_write};

    shim_boot(64 * MIB);
    model.magic = MMIO_MAGIC_VALUE;
    model.version = 2;
    model.id = TEST_DEVICE_ID;
    virtio_features_set(&model.offered, VIRTIO_F_VERSION_1);
    virtio_features_set(&model.offered, 70);
    write_status(0);
    script.nr_queues = QUEUES;
    for (unsigned i = 0; i < QUEUES; i++)
        script.indices[i] = i;
    shim_mmio_register(PHYS, BYTES, &ops, NULL);
    CHECK_EQ(shim_cmdline_set("virtio_mmio.device", "512@0xfeb00000:21"), 0);
}

static void start(void)
{
    prepare();
    find_devices();
    virtio_for_each(take, NULL);
    CHECK(dev && dev->live);
}

TEST(virtio_mmio_comes_up)
{
    static const uint64_t first[] = {MMIO_MAGIC, MMIO_VERSION, MMIO_DEVICE_ID};

    start();
    CHECK(!memcmp(model.first, first, sizeof(first))); /* MMIO-024, MMIO-025 */
    CHECK_EQ(strcmp(dev->name, "virtio0 mmio feb00000"), 0);
    CHECK_EQ(model.status, 15);
    CHECK_EQ(model.accepted.word[0], UINT64_C(1) << VIRTIO_F_VERSION_1);
    CHECK_EQ(model.accepted.word[1], UINT64_C(1) << (70 - 64));
    for (unsigned i = 0; i < QUEUES; i++) {
        CHECK(model.queues[i].ready && model.queues[i].size == 16);
        CHECK(model.queues[i].areas[0] && model.queues[i].areas[1] > model.queues[i].areas[0]);
    }
    CHECK_EQ(strcmp(dev->interrupts, "interrupt line"), 0);
}

TEST(virtio_mmio_notifies)
{
    struct virtio_sg sg = {.phys = 0x100000, .length = 16};

    start();
    CHECK_EQ(virtqueue_add(script.queues[1], &sg, 1, 0, &sg), 0);
    virtqueue_kick(script.queues[1]);
    CHECK(model.nr_notified == 1 && model.notified == 1);
    CHECK_EQ(last_event.reason, TRACE_KICK);
}

TEST(virtio_mmio_interrupts)
{
    start();
    shim_irq_raise_line(LINE); /* another device's */
    CHECK(!script.callbacks && !script.config_changes);
    model.cause = INTERRUPT_QUEUE;
    shim_irq_raise_line(LINE);
    CHECK_EQ(script.callbacks, QUEUES);
    CHECK_EQ(model.cause, 0);
    model.cause = INTERRUPT_QUEUE | INTERRUPT_CONFIG | 0xfffffffc; /* MMIO-018 */
    shim_irq_raise_line(LINE);
    shim_settle();
    CHECK_EQ(script.callbacks, 2 * QUEUES);
    CHECK_EQ(script.config_changes, 1);
    CHECK_EQ(model.cause, 0xfffffffc);
    shim_irq_raise_line(LINE);
    CHECK_EQ(script.callbacks, 2 * QUEUES);
}

TEST(virtio_mmio_restart)
{
    start();
    CHECK_EQ(virtio_restart(dev), 0);
    CHECK_EQ(model.status, 15);
    model.cause = INTERRUPT_QUEUE;
    script.callbacks = 0;
    shim_irq_raise_line(LINE);
    CHECK_EQ(script.callbacks, QUEUES); /* once each: detached and attached again */
}

/* It might go on writing to memory, so its queues are taken away. */
TEST(virtio_mmio_reset_hangs)
{
    start();
    script.device_hangs = true;
    model.status_sticks = true;
    model.queues_taken = 0;
    (void)virtio_restart(dev);
    CHECK(shim_log_count("does not finish its reset, cut off") >= 1);
    CHECK_EQ(model.queues_taken, UINT32_MAX);
}

TEST(virtio_mmio_queue_enable)
{
    const struct virtqueue_areas areas = {UINT64_C(0x123456789000), UINT64_C(0x1000000000),
                                          UINT64_C(0xfedcba987000)};

    start();
    CHECK_EQ(dev->ops->queue_enable(dev, 1, 16, &areas), -EIO); /* it is */
    write_status(0);
    CHECK_EQ(dev->ops->queue_enable(dev, 1, 16, &areas), 0);
    CHECK_EQ(model.queues[1].areas[0], areas.descriptor);
    CHECK_EQ(model.queues[1].areas[1], areas.driver);
    CHECK_EQ(model.queues[1].areas[2], areas.device);
}

TEST(virtio_mmio_config)
{
    uint64_t value;

    start();
    for (unsigned width = 1; width <= 8; width *= 2) {
        CHECK_EQ(virtio_config_put(dev, 0xf8, width, UINT64_C(0x1122334455667788)), 0);
        CHECK_EQ(model.config_width, MIN(width, 4u));
        model.config_width = 0;
        CHECK_EQ(virtio_config_get(dev, 0xf8, width, &value), 0);
        CHECK_EQ(model.config_width, MIN(width, 4u));
        CHECK_EQ(value, UINT64_C(0x1122334455667788) & (UINT64_MAX >> (64 - 8 * width)));
    }
    CHECK_EQ(virtio_config_get(dev, 0xfd, 4, &value), -ERANGE);
    CHECK_EQ(virtio_config_put(dev, 0x100, 1, 0), -ERANGE);
    CHECK_EQ(virtio_config_get(dev, UINT32_MAX - 3, 4, &value), -ERANGE);
    CHECK(!virtio_queue_exists(dev, QUEUES));
}

/* What is not a device that can be used is left alone, and said only when it is wrong. */
static const struct {
    uint32_t magic, version, id;
    const char *message;
} others[] = {
    {0, 2, TEST_DEVICE_ID, "it begins with 0"},
    {MMIO_MAGIC_VALUE, 1, TEST_DEVICE_ID, "force-legacy=false"},
    {MMIO_MAGIC_VALUE, 3, TEST_DEVICE_ID, "version 3"},
    {MMIO_MAGIC_VALUE, 1, 0, NULL},
    {MMIO_MAGIC_VALUE, 2, 0, NULL},
};

TEST_CASES(virtio_mmio_others, ARRAY_SIZE(others))
{
    prepare();
    model.magic = others[test_case].magic;
    model.version = others[test_case].version;
    model.id = others[test_case].id;
    find_devices();
    virtio_for_each(take, NULL);
    CHECK(dev == NULL && script.probes == 0);
    CHECK(model.nr_reads == (model.magic ? 3 : 1) && model.nr_writes == 0); /* MMIO-027 */
    CHECK_EQ(shim_log_count("MMIO device"), others[test_case].message != NULL);
    if (others[test_case].message)
        CHECK_EQ(shim_log_count(others[test_case].message), 1);
}
