/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of a virtio PCI device: common at 0, ISR at 0x1000, device at 0x2000, notify at
 * 0x3000 of BAR 4; the MSI-X table in BAR 1.
 */
#include "../../../drivers/pci/registers.h"
#include "../../../drivers/virtio/pci_transport.h"
#include "bytes.h"
#include "fake_pci.h"
#include <string.h>

#define ISR_AT    0x1000
#define DEVICE_AT 0x2000
#define NOTIFY_AT 0x3000

struct pci_model model;

static uint64_t *feature_word(struct virtio_features *features, uint32_t select)
{
    return select < 4 ? &features->word[select / 2] : NULL;
}

static uint32_t read_feature(struct virtio_features *features, uint32_t select)
{
    uint64_t *word = feature_word(features, select);

    return word ? (uint32_t)(*word >> (select % 2 * 32)) : 0;
}

static uint64_t read_queue(uint64_t offset)
{
    if (model.queue_select >= PCI_QUEUES)
        return 0;
    switch (offset) {
    case COMMON_QUEUE_SIZE:
        return model.queues[model.queue_select].size;
    case COMMON_QUEUE_VECTOR:
        return model.queues[model.queue_select].vector;
    case COMMON_QUEUE_ENABLE:
        return model.queues[model.queue_select].enabled ||
               (model.ops && !model.ops->stopped(model.queue_select));
    case COMMON_QUEUE_NOTIFY_OFFSET:
        return model.queues[model.queue_select].notify_offset;
    }
    unit_fail(__FILE__, __LINE__, "read of register %#llx", (unsigned long long)offset);
}

/* A reset that was asked for is over after some looks. */
static uint8_t read_status(void)
{
    if (model.resetting && !--model.resetting)
        model.status = 0;
    return model.status;
}

static uint64_t read_common(uint64_t offset, unsigned width)
{
    static const uint8_t widths[COMMON_BYTES] = {
        [COMMON_DEVICE_FEATURE] = 4, [COMMON_CONFIG_VECTOR] = 2,      [COMMON_STATUS] = 1,
        [COMMON_GENERATION] = 1,     [COMMON_QUEUE_SIZE] = 2,         [COMMON_QUEUE_VECTOR] = 2,
        [COMMON_QUEUE_ENABLE] = 2,   [COMMON_QUEUE_NOTIFY_OFFSET] = 2};

    CHECK_EQ(widths[offset], width); /* PCI-005 to PCI-007 */
    switch (offset) {
    case COMMON_DEVICE_FEATURE:
        return read_feature(&model.offered, model.select);
    case COMMON_CONFIG_VECTOR:
        return model.config_vector;
    case COMMON_STATUS:
        return read_status();
    case COMMON_GENERATION:
        return 0;
    default:
        return read_queue(offset);
    }
}

static uint64_t model_read(void *arg, uint64_t offset, unsigned width)
{
    uint64_t value;

    (void)arg;
    if (offset < COMMON_BYTES)
        return read_common(offset, width);
    if (offset == ISR_AT) {
        CHECK_EQ(width, 1);
        /* PCI-032 */
        CHECK(!(fake_get16(model.fn, PCI_CAP_MSIX_AT + 2) & PCI_MSIX_ENABLE));
        value = model.isr;
        model.isr = 0;
        return value;
    }
    CHECK(offset >= DEVICE_AT && offset + width <= DEVICE_AT + sizeof(model.config));
    return le_load(model.config + (offset - DEVICE_AT), width);
}

static uint16_t serve_vector(uint64_t value)
{
    /* PCI-043 */
    CHECK(value == NO_VECTOR ||
          value <= (fake_get16(model.fn, PCI_CAP_MSIX_AT + 2) & PCI_MSIX_SIZE_MASK));
    return value < model.vectors ? (uint16_t)value : NO_VECTOR;
}

static void reset_model(void)
{
    if (model.ops)
        model.ops->reset();
    model.config_vector = NO_VECTOR;
    for (unsigned i = 0; i < PCI_QUEUES; i++) {
        model.queues[i].size = model.queues[i].max_size;
        model.queues[i].enabled = 0;
        model.queues[i].vector = NO_VECTOR;
        memset(model.queues[i].areas, 0, sizeof(model.queues[i].areas));
    }
}

static void write_status(uint8_t value)
{
    if (!value)
        reset_model();
    CHECK(!model.resetting); /* PCI-025 */
    if (value || !(model.status_sticks || model.reset_reads))
        model.status = value;
    if (!value)
        model.resetting = model.reset_reads;
}

static void write_enable(uint64_t value)
{
    unsigned queue = model.queue_select;

    for (unsigned i = 0; i < 3; i++) /* PCI-024 */
        CHECK(model.queues[queue].areas[i]);
    model.queues[queue].enabled = value == 1;
    if (!model.ops)
        CHECK_EQ(value, 1); /* PCI-026 */
    else if (value)
        model.ops->start(queue);
    else
        model.ops->stop(queue);
}

static void write_queue(uint64_t offset, uint64_t value)
{
    unsigned area = (unsigned)(offset - COMMON_QUEUE_DESCRIPTOR) / 8;

    CHECK(model.queue_select < PCI_QUEUES);
    switch (offset) {
    case COMMON_QUEUE_SIZE:
        CHECK(value && !(value & (value - 1))); /* PCI-022, PCI-023 */
        model.queues[model.queue_select].size = model.refuses_size ? 1 : (uint16_t)value;
        return;
    case COMMON_QUEUE_VECTOR:
        model.queues[model.queue_select].vector = serve_vector(value);
        return;
    case COMMON_QUEUE_ENABLE:
        write_enable(value);
        return;
    }
    CHECK(offset >= COMMON_QUEUE_DESCRIPTOR && offset < COMMON_BYTES);
    CHECK(!model.queues[model.queue_select].enabled);
    model.queues[model.queue_select].areas[area] |= value << (offset % 8 * 8);
}

static void write_feature(uint64_t value)
{
    uint64_t *word = feature_word(&model.accepted, model.driver_select);

    CHECK(word != NULL);
    *word |= value << (model.driver_select % 2 * 32);
}

static void write_common(uint64_t offset, unsigned width, uint64_t value)
{
    CHECK_EQ(width, offset == COMMON_STATUS                              ? 1
                    : offset < 0x10 || offset >= COMMON_QUEUE_DESCRIPTOR ? 4
                                                                         : 2);
    switch (offset) {
    case COMMON_DEVICE_FEATURE_SELECT:
        model.select = (uint32_t)value;
        return;
    case COMMON_DRIVER_FEATURE_SELECT:
        model.driver_select = (uint32_t)value;
        return;
    case COMMON_DRIVER_FEATURE:
        write_feature(value);
        return;
    case COMMON_CONFIG_VECTOR:
        model.config_vector = serve_vector(value);
        return;
    case COMMON_STATUS:
        write_status((uint8_t)value);
        return;
    case COMMON_QUEUE_SELECT:
        model.queue_select = (uint16_t)value;
        return;
    default:
        write_queue(offset, value);
    }
}

static void model_write(void *arg, uint64_t offset, unsigned width, uint64_t value)
{
    (void)arg;
    if (offset < COMMON_BYTES) {
        write_common(offset, width, value);
    } else if (offset >= NOTIFY_AT) {
        model.notify_count++;
        model.notify_at = offset - NOTIFY_AT;
        model.notify_width = width;
        model.notify_value = (uint32_t)value;
        if (model.ops)
            model.ops->notify((unsigned)value);
    } else {
        CHECK(offset >= DEVICE_AT && offset + width <= DEVICE_AT + sizeof(model.config));
        le_store(model.config + (offset - DEVICE_AT), width, value);
    }
}

static uint64_t table_read(void *arg, uint64_t offset, unsigned width)
{
    (void)arg;
    CHECK(width == 4 && offset < sizeof(model.table));
    return model.table[offset / 4];
}

static void table_write(void *arg, uint64_t offset, unsigned width, uint64_t value)
{
    (void)arg;
    CHECK(width == 4 && offset < sizeof(model.table));
    model.table[offset / 4] = (uint32_t)value;
}

bool model_raise(unsigned index)
{
    CHECK(index < ARRAY_SIZE(model.table) / 4);
    if (model.table[4 * index + 3] & 1)
        return false;
    CHECK_EQ(model.table[4 * index], SHIM_MSI_ADDRESS);
    shim_irq_raise((int)model.table[4 * index + 2]);
    return true;
}

static void put_capability(unsigned n, unsigned bar, unsigned type, uint32_t offset,
                           uint32_t length)
{
    unsigned at = PCI_CAP_FIRST + n * PCI_CAP_STEP;
    uint8_t *cap = fake_capability(model.fn, n ? at - PCI_CAP_STEP : 0, at, 9);

    cap[2] = PCI_CAP_STEP;
    cap[3] = (uint8_t)type;
    cap[4] = (uint8_t)bar;
    fake_put32(model.fn, at + 8, offset);
    fake_put32(model.fn, at + 12, length);
    fake_put32(model.fn, at + 16, 4);
}

void model_create_as(uint16_t device, unsigned bar)
{
    static const struct shim_mmio registers = {model_read, model_write};
    static const struct shim_mmio table = {table_read, table_write};
    uint8_t *cap;

    model.fn = fake_function(5 << 3, 0x1af4, device);
    model.fn->watched = true;
    fake_bar(model.fn, 1, PCI_TABLE_PHYS, PCI_TABLE_SIZE, false);
    fake_bar(model.fn, bar, PCI_BAR_PHYS, PCI_BAR_SIZE, bar == 4);
    put_capability(0, bar, 1, 0, COMMON_BYTES);
    put_capability(1, bar, 2, NOTIFY_AT, 0x1000);
    put_capability(2, bar, 3, ISR_AT, 1);
    put_capability(3, bar, 4, DEVICE_AT, sizeof(model.config));
    cap = fake_capability(model.fn, PCI_CAP_FIRST + 3 * PCI_CAP_STEP, PCI_CAP_MSIX_AT, 0x11);
    cap[2] = 15;
    fake_put32(model.fn, PCI_CAP_MSIX_AT + 4, 1);
    virtio_features_set(&model.offered, VIRTIO_F_VERSION_1);
    for (unsigned i = 0; i < PCI_QUEUES; i++) {
        model.queues[i].max_size = 16;
        model.queues[i].notify_offset = (uint16_t)i;
        script.indices[i] = i;
    }
    script.nr_queues = PCI_QUEUES;
    model.vectors = 16;
    reset_model();
    shim_mmio_register(PCI_BAR_PHYS, PCI_BAR_SIZE, &registers, NULL);
    shim_mmio_register(PCI_TABLE_PHYS, PCI_TABLE_SIZE, &table, NULL);
}

void model_create(void)
{
    model_create_as(0x1040 + TEST_DEVICE_ID, 4);
}

struct virtio_device *model_scan(void)
{
    struct pci_transport *transport;

    fake_pci_install();
    pci_init();
    transport = pci_nth(0)->driver_data;
    return transport ? &transport->dev : NULL;
}
