/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device that begins anew with each input, and answers as the input says.
 */
#include "device.h"
#include "fuzz.h"
#include <neap/memory.h>

/* What caches of the allocators may hold on to. */
#define CACHED_BYTES (4 * MIB)

/* So often a device may misbehave in one input before it is left alone. */
#define RESETS 2

static struct fake pristine;
static uint64_t most_free;

void device_boot(uint64_t memory)
{
    shim_init();
    shim_boot(memory);
}

void device_keep(const struct fake *fake)
{
    pristine = *fake;
}

void device_offer(struct fake *fake, const unsigned *bits, unsigned nr)
{
    uint64_t chosen = fuzz_number((nr + 7) / 8);

    for (unsigned i = 0; i < nr; i++)
        if (chosen >> i & 1)
            fake_offer(fake, bits[i]);
}

void device_start(struct fake *fake)
{
    if (fake->dev.driver)
        (void)virtio_restart(&fake->dev);
    else
        (void)virtio_device_add(&fake->dev);
    shim_settle();
}

static void check_memory(void)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    most_free = MAX(most_free, stats.free);
    if (stats.free + CACHED_BYTES < most_free)
        unit_fail(__FILE__, __LINE__, "memory leaks: %llu KiB less are free than once",
                  (unsigned long long)(most_free - stats.free) / 1024);
}

void device_stop(struct fake *fake)
{
    struct virtio_device dev;

    shim_settle();
    virtio_device_gone(&fake->dev);
    shim_settle();
    dev = fake->dev;
    *fake = pristine;
    fake->dev = dev;
    fake->dev.resets = VIRTIO_RESETS_MAX - RESETS;
    shim_log_clear();
    check_memory();
}

/* Write what the input says into the device's part of a buffer; returns how many bytes. */
static uint32_t write_answer(const struct vringd_chain *chain)
{
    uint32_t written = 0;

    for (unsigned i = 0; i < chain->in; i++) {
        const struct virtio_sg *piece = &chain->pieces[chain->out + i];

        fuzz_bytes(shim_phys(piece->phys), MIN(piece->length, 64u));
        written += piece->length;
    }
    return written;
}

static void answer(struct vringd *ring, const struct vringd_chain *chain)
{
    uint32_t length = 0;
    uint8_t how = fuzz_byte() % 16;

    if (how == 1) /* never */
        return;
    if (chain->in)
        length = write_answer(chain);
    if (how == 2)
        length = (uint32_t)fuzz_number(2);
    if (how == 3) /* somebody else's */
        vringd_push(ring, (chain->head & ~0xffffu) | (uint32_t)fuzz_number(2), length);
    else
        vringd_push(ring, chain->head, length);
    if (how == 4)
        vringd_push(ring, chain->head, length);
}

void device_serve(struct fake *fake, unsigned index)
{
    struct vringd *ring = &fake->queues[index].ring;
    struct vringd_chain chain;

    while (vringd_pop(ring, &chain) > 0)
        answer(ring, &chain);
    fake_interrupt(fake, index);
}

void device_event(struct fake *fake)
{
    static const uint64_t waits[] = {1000, NS_PER_MS, 20 * NS_PER_MS, NS_PER_S, 15 * NS_PER_S};

    switch (fuzz_byte() % 8) {
    case 0:
        fake->config[fuzz_below(fake->config_size + !fake->config_size)] = fuzz_byte();
        break;
    case 1:
        fake->generation_step = fuzz_byte() % 4 == 3;
        break;
    case 2:
        fake->status |= fuzz_byte() & VIRTIO_STATUS_NEEDS_RESET;
        break;
    case 3:
        shim_advance(waits[fuzz_below(ARRAY_SIZE(waits))]);
        break;
    case 4:
        virtio_queue_interrupt(&fake->dev, fuzz_below(FAKE_QUEUES));
        break;
    default:
        fake_config_changed(fake);
        shim_settle();
    }
}
