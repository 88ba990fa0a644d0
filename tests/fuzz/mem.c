/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory device: a configuration that says anything, and any answer to every request.
 * fake_elastic.c is mm, and looks after what the driver tells it.
 */
#include "../../drivers/virtio/mem.h"
#include "bytes.h"
#include "device.h"
#include "fake_elastic.h"
#include "fuzz.h"
#include <neap/endian.h>
#include <neap/errors.h>
#include <string.h>

#define BLOCK  (2 * MIB)
#define START  (4 * GIB)
#define BLOCKS 48

static struct fake *fake;
static uint8_t plugged[BLOCKS];

static void set(unsigned offset, uint64_t value)
{
    le_store(fake->config + offset, sizeof(value), value);
}

static void set_request(uint64_t bytes)
{
    set(VMEM_CONFIG_REQUESTED, bytes);
    fake_config_changed(fake);
    shim_settle();
}

/* An honest device's answer: ACK, and the state. */
static unsigned carry_out(const struct vmem_request *request, uint16_t *state)
{
    uint64_t first = (le64(request->address) - START) / BLOCK, nr = le16(request->nr_blocks);
    unsigned count = 0;

    if (le16(request->type) == VMEM_UNPLUG_ALL) {
        memset(plugged, 0, sizeof(plugged));
        set(VMEM_CONFIG_PLUGGED, 0);
        return VMEM_ACK;
    }
    if (le64(request->address) < START || first + nr > BLOCKS)
        return VMEM_ERROR;
    for (uint64_t i = first; i < first + nr; i++) {
        if (le16(request->type) != VMEM_STATE)
            plugged[i] = le16(request->type) == VMEM_PLUG;
        count += plugged[i];
    }
    *state = count == nr ? VMEM_PLUGGED : count ? VMEM_MIXED : VMEM_UNPLUGGED;
    count = 0;
    for (unsigned i = 0; i < BLOCKS; i++)
        count += plugged[i];
    set(VMEM_CONFIG_PLUGGED, count * BLOCK);
    return VMEM_ACK;
}

/* Honest with some requests, and with the rest as the input says. */
static void serve(struct fake *device, unsigned index)
{
    struct vringd *ring = &device->queues[index].ring;
    struct vringd_chain chain;

    if (fuzz_byte() % 4 == 3) {
        device_serve(device, index);
        return;
    }
    while (vringd_pop(ring, &chain) > 0) {
        const struct vmem_request *request = shim_phys(chain.pieces[0].phys);
        struct vmem_response *response = shim_phys(chain.pieces[1].phys);
        uint16_t state = 0;

        CHECK(chain.out == 1 && chain.in == 1 && chain.pieces[0].length == sizeof(*request));
        CHECK(le16(request->type) < VMEM_REQUESTS);
        CHECK(chain.pieces[1].length == sizeof(*response));
        response->type = le16((uint16_t)carry_out(request, &state));
        response->state = le16(state);
        vringd_push(ring, chain.head, sizeof(*response));
    }
    fake_interrupt(device, index);
}

void fuzz_start(void)
{
    device_boot(64 * MIB);
    fake = fake_create(VIRTIO_ID_MEM);
    fake->config_size = 56;
    fake->queues[0].max_size = 8;
    fake->queues[0].serve = serve;
    set(VMEM_CONFIG_BLOCK, BLOCK);
    set(VMEM_CONFIG_ADDRESS, START);
    set(VMEM_CONFIG_REGION, BLOCKS * BLOCK);
    set(VMEM_CONFIG_USABLE, BLOCKS * BLOCK);
    device_keep(fake);
}

/* One of the fields, anything or nearly right. */
static void damage_config(void)
{
    unsigned offset = 8 * fuzz_below(7);

    if (fuzz_byte() % 2)
        set(offset, fuzz_number(8));
    else
        set(offset, le_load(fake->config + offset, 8) + (fuzz_number(2) << 20));
}

static void change_mm(void)
{
    static const int errors[] = {0, 0, -EBUSY, -ENOMEM};
    struct vmem *vmem = fake->dev.driver_data;

    elastic.take_error = errors[fuzz_byte() % 4];
    elastic.take_limit = fuzz_byte() % 8;
    elastic.fail_adds = fuzz_byte() % 4;
    if (vmem && vmem->registered)
        vmem->region.changed(&vmem->region);
}

/* The next input has a region of its own. */
static void forget(void)
{
    struct vmem *vmem = fake->dev.driver_data;

    if (!vmem || !vmem->registered)
        return;
    vmem->registered = false;
    vmem->taken = (struct phys_range){0, 0};
    reclaimer_unregister(&vmem->reclaimer);
    fake_elastic_forget();
}

void fuzz_run(void)
{
    static const unsigned features[] = {VMEM_F_ACPI_PXM, VMEM_F_UNPLUGGED_INACCESSIBLE,
                                        VMEM_F_PERSISTENT_SUSPEND, VIRTIO_F_RING_PACKED};

    memset(plugged, 0, sizeof(plugged));
    device_offer(fake, features, ARRAY_SIZE(features));
    for (unsigned n = fuzz_byte() % 4; n; n--)
        damage_config();
    device_start(fake);
    for (unsigned step = 0; step < 24 && fuzz_more(); step++) {
        switch (fuzz_byte() % 8) {
        case 0:
            damage_config();
            break;
        case 1:
            change_mm();
            break;
        case 2:
        case 3:
            device_event(fake);
            break;
        default:
            set_request(fuzz_byte() * MIB);
        }
    }
    device_stop(fake);
    forget();
}
