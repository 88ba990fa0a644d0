/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon: any target, hint id and layout of queues, and any answer to inflation,
 * deflation, statistics, hints and reports.
 */
#include "../../drivers/virtio/balloon.h"
#include "device.h"
#include "fuzz.h"

#define BLOCKS 8

static struct fake *fake;
static struct {
    struct page *page;
    unsigned order;
} blocks[BLOCKS];

/* A device that asks for statistics as soon as it has them would never end. */
static void serve(struct fake *device, unsigned index)
{
    const struct balloon *balloon = device->dev.driver_data;

    if (!virtio_accepted(&device->dev, BALLOON_F_STATS_VQ) ||
        balloon->queue_numbers[BALLOON_STATS] != index)
        device_serve(device, index);
}

void fuzz_start(void)
{
    device_boot(8 * MIB);
    fake = fake_create(VIRTIO_ID_BALLOON);
    fake->config_size = 16;
    for (unsigned i = 0; i < BALLOON_QUEUES; i++) {
        fake->queues[i].max_size = 32;
        fake->queues[i].serve = serve;
    }
    device_keep(fake);
}

/* Mostly a target that the guest has so much memory for. */
static void set_config(void)
{
    static const unsigned fields[] = {BALLOON_CONFIG_NUM_PAGES, BALLOON_CONFIG_NUM_PAGES,
                                      BALLOON_CONFIG_HINT_ID, BALLOON_CONFIG_ACTUAL};
    unsigned kind = fuzz_byte();
    uint64_t value = kind & 0x80 ? fuzz_number(4) : fuzz_number(2) % 1500;

    fake_config_set32(fake, fields[kind % 4], (uint32_t)value);
    fake_config_changed(fake);
    shim_settle();
}

/* The guest uses its memory at the same time. */
static void allocate_or_free(void)
{
    unsigned i = fuzz_below(BLOCKS);

    if (blocks[i].page) {
        free_pages(blocks[i].page, blocks[i].order);
        blocks[i].page = NULL;
        return;
    }
    blocks[i].order = fuzz_below(MAX_ORDER + 1);
    blocks[i].page = alloc_pages(blocks[i].order, fuzz_byte() % PAGE_KINDS, 0);
}

static void free_all(void)
{
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (blocks[i].page)
            free_pages(blocks[i].page, blocks[i].order);
        blocks[i].page = NULL;
    }
}

/* What waits at the device, statistics for instance; or what it never had. */
static void use_late(void)
{
    unsigned index = fuzz_below(BALLOON_QUEUES);

    if (!fake->queues[index].enabled)
        return;
    if (fuzz_byte() % 4) {
        device_serve(fake, index);
    } else {
        vringd_push(&fake->queues[index].ring, (uint32_t)fuzz_number(2), fuzz_byte());
        fake_interrupt(fake, index);
    }
    shim_settle();
}

void fuzz_run(void)
{
    static const unsigned features[] = {BALLOON_F_MUST_TELL_HOST, BALLOON_F_STATS_VQ,
                                        BALLOON_F_DEFLATE_ON_OOM, BALLOON_F_FREE_PAGE_HINT,
                                        BALLOON_F_PAGE_REPORTING, BALLOON_F_WORKING_SET,
                                        VIRTIO_F_INDIRECT_DESC,   VIRTIO_F_EVENT_IDX};
    unsigned queues;

    device_offer(fake, features, ARRAY_SIZE(features));
    queues = fuzz_byte(); /* whether each is missing */
    for (unsigned i = 0; i < BALLOON_QUEUES; i++)
        if (queues >> i & 1)
            fake->queues[i].max_size = 0;
    if (queues & 0x80)
        fake->config_size = fuzz_byte() % 17;
    device_start(fake);
    for (unsigned step = 0; step < 24 && fuzz_more(); step++) {
        switch (fuzz_byte() % 8) {
        case 0:
            device_event(fake);
            break;
        case 1:
            use_late();
            break;
        case 2:
        case 3:
            allocate_or_free();
            break;
        default:
            set_config();
        }
    }
    free_all();
    device_stop(fake);
}
