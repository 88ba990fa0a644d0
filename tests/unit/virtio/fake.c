/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scriptable device behind fake.h. Its history has one letter for each step of the driver:
 * 0 reset, A/D/F/K/X status bits (ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK, FAILED), o
 * offered features read, a accepted ones written, i interrupts, q queue enabled, n
 * notification, r interrupts released.
 */
#include "fake.h"
#include <errno.h>
#include <string.h>

static struct fake *to_fake(struct virtio_device *dev)
{
    return container_of(dev, struct fake, dev);
}

static void note(struct fake *fake, char step)
{
    if (fake->nr_history + 1 < FAKE_HISTORY_MAX)
        fake->history[fake->nr_history++] = step;
}

static uint8_t get_status(struct virtio_device *dev)
{
    return to_fake(dev)->status;
}

static void set_status(struct virtio_device *dev, uint8_t status)
{
    static const struct {
        uint8_t bit;
        char letter;
    } letters[] = {{VIRTIO_STATUS_ACKNOWLEDGE, 'A'},
                   {VIRTIO_STATUS_DRIVER, 'D'},
                   {VIRTIO_STATUS_FEATURES_OK, 'F'},
                   {VIRTIO_STATUS_DRIVER_OK, 'K'},
                   {VIRTIO_STATUS_FAILED, 'X'}};
    struct fake *fake = to_fake(dev);

    watch_status(fake, status);
    for (unsigned i = 0; i < ARRAY_SIZE(letters); i++)
        if (status & ~fake->status & letters[i].bit)
            note(fake, letters[i].letter);
    if (status & ~fake->status & VIRTIO_STATUS_DRIVER_OK && fake->on_driver_ok)
        fake->on_driver_ok();
    fake->status = status;
    if (fake->refuses_features)
        fake->status &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
}

static int reset(struct virtio_device *dev)
{
    struct fake *fake = to_fake(dev);

    note(fake, '0');
    fake->resets++;
    fake->status = 0;
    fake->read_features = fake->has_features = false;
    for (unsigned i = 0; i < FAKE_QUEUES; i++)
        fake->queues[i].enabled = false;
    if (fake->on_reset)
        fake->on_reset();
    return fake->reset_hangs ? -ETIMEDOUT : 0;
}

static void get_features(struct virtio_device *dev, struct virtio_features *features)
{
    struct fake *fake = to_fake(dev);

    note(fake, 'o');
    *features = fake->offered;
    fake->read_features = true;
}

static void set_features(struct virtio_device *dev, const struct virtio_features *features)
{
    struct fake *fake = to_fake(dev);

    note(fake, 'a');
    watch_features(fake, features);
    fake->has_features = true;
}

static int filter_features(struct virtio_device *dev, struct virtio_features *accepted)
{
    accepted->word[0] &= ~to_fake(dev)->filter;
    return 0;
}

static uint32_t config_generation(struct virtio_device *dev)
{
    return to_fake(dev)->generation += to_fake(dev)->generation_step;
}

static int config_read(struct virtio_device *dev, unsigned offset, unsigned width,
                       uint32_t *value)
{
    struct fake *fake = to_fake(dev);

    if (offset + width > fake->config_size)
        return -ERANGE;
    watch_config(fake, offset, width, false);
    if (fake->on_config_read)
        fake->on_config_read();
    *value = (uint32_t)le_load(fake->config + offset, width);
    return 0;
}

static int config_write(struct virtio_device *dev, unsigned offset, unsigned width,
                        uint32_t value)
{
    struct fake *fake = to_fake(dev);

    if (offset + width > fake->config_size)
        return -ERANGE;
    watch_config(fake, offset, width, true);
    le_store(fake->config + offset, width, value);
    fake->config_writes++;
    return 0;
}

static unsigned queue_max_size(struct virtio_device *dev, unsigned index)
{
    return index < FAKE_QUEUES ? to_fake(dev)->queues[index].max_size : 0;
}

static int setup_interrupts(struct virtio_device *dev, const unsigned *indices, unsigned nr)
{
    struct fake *fake = to_fake(dev);

    note(fake, 'i');
    if (fake->refuses_interrupts)
        return -ENOSPC;
    for (unsigned i = 0; i < nr; i++)
        fake->queues[indices[i]].wants_interrupt = true;
    return 0;
}

static void *translate(void *arg, uint64_t phys, uint64_t bytes)
{
    (void)arg;
    return phys + bytes <= SHIM_PHYS_SIZE ? shim_phys(phys) : NULL;
}

static int queue_enable(struct virtio_device *dev, unsigned index, unsigned size,
                        const struct virtqueue_areas *areas)
{
    struct fake *fake = to_fake(dev);
    struct fake_queue *queue = &fake->queues[index];

    note(fake, 'q');
    if (fake->refuses_queue == (int)index)
        return -EIO;
    CHECK(size <= queue->max_size && !queue->enabled);
    queue->size = size;
    queue->areas = *areas;
    queue->enabled = true;
    CHECK_EQ(vringd_init(&queue->ring, size, areas, &dev->accepted, translate, NULL), 0);
    watch_new_ring(fake, index);
    return 0;
}

static void notify(struct virtio_device *dev, unsigned index, uint32_t data)
{
    struct fake *fake = to_fake(dev);

    note(fake, 'n');
    watch_notification(fake, index, data);
    fake->queues[index].notified++;
    fake->queues[index].last_data = data;
    if (fake->queues[index].serve)
        fake->queues[index].serve(fake, index);
}

static void release(struct virtio_device *dev)
{
    struct fake *fake = to_fake(dev);

    note(fake, 'r');
    fake->releases++;
    for (unsigned i = 0; i < FAKE_QUEUES; i++)
        fake->queues[i].wants_interrupt = false;
}

static const struct virtio_transport_ops fake_ops = {
    .name = "fake",
    .get_status = get_status,
    .set_status = set_status,
    .reset = reset,
    .get_features = get_features,
    .set_features = set_features,
    .filter_features = filter_features,
    .config_generation = config_generation,
    .config_read = config_read,
    .config_write = config_write,
    .queue_max_size = queue_max_size,
    .setup_interrupts = setup_interrupts,
    .queue_enable = queue_enable,
    .notify = notify,
    .release = release,
};

struct fake *fake_create(unsigned device_id)
{
    static struct fake fakes[FAKES];
    static unsigned used;
    struct fake *fake = &fakes[used++];

    CHECK(used <= ARRAY_SIZE(fakes));
    fake->number = used - 1;
    fake->dev.ops = &fake_ops;
    fake->dev.device_id = device_id;
    strcpy(fake->dev.name, "fake0");
    fake->refuses_queue = -1;
    fake->config_size = FAKE_CONFIG_MAX;
    fake_offer(fake, VIRTIO_F_VERSION_1);
    return fake;
}

void fake_offer(struct fake *fake, unsigned bit)
{
    virtio_features_set(&fake->offered, bit);
}

void fake_interrupt(struct fake *fake, unsigned index)
{
    struct fake_queue *queue = &fake->queues[index];
    irqflags_t flags;

    if (!queue->enabled || !vringd_wants_interrupt(&queue->ring) || !queue->wants_interrupt)
        return;
    shim_irq_enter(&flags);
    virtio_queue_interrupt(&fake->dev, index);
    shim_irq_exit(flags);
}

void fake_config_changed(struct fake *fake)
{
    irqflags_t flags;

    fake->generation++;
    shim_irq_enter(&flags);
    virtio_config_interrupt(&fake->dev);
    shim_irq_exit(flags);
}

void fake_config_set32(struct fake *fake, unsigned offset, uint32_t value)
{
    le_store(fake->config + offset, sizeof(value), value);
}

uint32_t fake_config_get32(const struct fake *fake, unsigned offset)
{
    return (uint32_t)le_load(fake->config + offset, 4);
}

int fake_pop(struct fake *fake, unsigned index, struct vringd_chain *chain)
{
    uint16_t place = fake->queues[index].ring.next_avail;
    int got;

    watch_ring(fake, index);
    got = vringd_pop(&fake->queues[index].ring, chain);
    CHECK(got >= 0);
    if (got)
        watch_buffer(fake, index, chain->head, place);
    return got;
}

void fake_answer(struct fake *fake, unsigned index, uint32_t head, uint32_t length)
{
    vringd_push(&fake->queues[index].ring, head, length);
    fake_interrupt(fake, index);
}

void fake_serve_all(struct fake *fake, unsigned index)
{
    struct vringd_chain chain;

    while (fake_pop(fake, index, &chain))
        vringd_push(&fake->queues[index].ring, chain.head, 0);
    fake_interrupt(fake, index);
}

struct fake *fake_prepare(unsigned nr_queues)
{
    struct fake *fake = fake_create(TEST_DEVICE_ID);

    shim_boot(64 * MIB);
    script.nr_queues = nr_queues;
    for (unsigned i = 0; i < nr_queues; i++) {
        script.indices[i] = i;
        fake->queues[i].max_size = 8;
    }
    return fake;
}
