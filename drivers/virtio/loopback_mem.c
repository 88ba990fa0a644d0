/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A memory device made of software: its region is the boot memory that withhold= left alone.
 * Who writes `requested` into its configuration is its host.
 */
#include "loopback.h"
#include "mem.h"
#include <arch/boot.h>
#include <neap/endian.h>
#include <neap/log.h>
#include <string.h>

#define BLOCK        (2 * MIB)
#define BLOCKS_MAX   1024
#define CONFIG_BYTES 56

static const int features[] = {VMEM_F_UNPLUGGED_INACCESSIBLE, -1};

/* There is one such device; it keeps what is plugged when it is reset. */
static struct {
    uint64_t start, size; /* the region */
    bool plugged[BLOCKS_MAX];
} region;

static uint64_t get_field(const struct loopback *loopback, unsigned offset)
{
    uint64_t value;

    memcpy(&value, loopback->config + offset, sizeof(value));
    return le64(value);
}

static void put_field(struct loopback *loopback, unsigned offset, uint64_t value)
{
    value = le64(value);
    memcpy(loopback->config + offset, &value, sizeof(value));
}

static bool init(struct loopback *loopback)
{
    struct phys_range spare = boot_memory_withheld();

    region.start = ALIGN_UP(spare.start, BLOCK);
    region.size = MIN(ALIGN_DOWN(spare.end, BLOCK) - region.start, BLOCKS_MAX * BLOCK);
    if (!spare.end) {
        log_error("virtio", "loopback=mem has no memory to plug: boot with withhold=64M");
        return false;
    }
    put_field(loopback, VMEM_CONFIG_BLOCK, BLOCK);
    put_field(loopback, VMEM_CONFIG_ADDRESS, region.start);
    put_field(loopback, VMEM_CONFIG_REGION, region.size);
    put_field(loopback, VMEM_CONFIG_USABLE, region.size);
    return true;
}

/* Blocks [first, first + count) of a request; false: not blocks of the region. */
static bool find_blocks(const struct vmem_request *request, uint64_t *first, uint64_t *count)
{
    uint64_t offset = le64(request->address) - region.start;

    *first = offset / BLOCK;
    *count = le16(request->nr_blocks);
    return *count && offset % BLOCK == 0 && offset < region.size &&
           *count <= region.size / BLOCK - *first;
}

static enum vmem_block_state state_of(uint64_t first, uint64_t count)
{
    uint64_t plugged = 0;

    for (uint64_t i = first; i < first + count; i++)
        plugged += region.plugged[i];
    return plugged == count ? VMEM_PLUGGED : plugged ? VMEM_MIXED : VMEM_UNPLUGGED;
}

static void change(struct loopback *loopback, uint64_t first, uint64_t count, bool plug)
{
    uint64_t plugged = 0;

    memset(region.plugged + first, plug, count);
    for (unsigned i = 0; i < BLOCKS_MAX; i++)
        plugged += region.plugged[i];
    put_field(loopback, VMEM_CONFIG_PLUGGED, plugged * BLOCK);
    loopback->generation++;
}

/* MEM-017 ff.: what is not as it should be is an error of the driver. */
static enum vmem_answer obey(struct loopback *loopback, const struct vmem_request *request,
                             enum vmem_block_state *state)
{
    unsigned type = le16(request->type);
    uint64_t first, count, after;

    if (type == VMEM_UNPLUG_ALL) {
        change(loopback, 0, region.size / BLOCK, false);
        return VMEM_ACK;
    }
    if (type >= VMEM_REQUESTS || !find_blocks(request, &first, &count))
        return VMEM_ERROR;
    *state = state_of(first, count);
    if (type == VMEM_STATE)
        return VMEM_ACK;
    if (*state != (type == VMEM_PLUG ? VMEM_UNPLUGGED : VMEM_PLUGGED))
        return VMEM_ERROR;
    after = get_field(loopback, VMEM_CONFIG_PLUGGED) + count * BLOCK;
    if (type == VMEM_PLUG && after > get_field(loopback, VMEM_CONFIG_REQUESTED))
        return VMEM_NACK;
    change(loopback, first, count, type == VMEM_PLUG);
    return VMEM_ACK;
}

static enum vmem_answer answer(struct loopback *loopback, const struct vmem_request *request,
                               enum vmem_block_state *state)
{
    enum loopback_fault refusal = loopback_refusal(loopback, 0);
    enum vmem_answer told;

    if (refusal)
        return VMEM_NACK + (refusal - LOOPBACK_NACK);
    told = obey(loopback, request, state);
    loopback->counts[LOOPBACK_MEM_REQUESTS] += told == VMEM_ACK;
    loopback->counts[LOOPBACK_MEM_ERRORS] += told == VMEM_ERROR;
    return told;
}

static void serve(struct loopback *loopback, unsigned queue)
{
    static struct vringd_chain chain;

    while (loopback_pop(loopback, queue, &chain)) {
        struct vmem_request request = {0};
        struct vmem_response response = {0};
        enum vmem_block_state state = VMEM_PLUGGED;

        if (loopback_read(&chain, &request, sizeof(request)) != sizeof(request) ||
            loopback_room(&chain) < sizeof(response)) {
            loopback_give_up(loopback);
            return;
        }
        response.type = le16((uint16_t)answer(loopback, &request, &state));
        response.state = le16((uint16_t)state);
        loopback_push(loopback, queue, &chain,
                      loopback_write(&chain, &response, sizeof(response)));
    }
}

const struct loopback_model loopback_mem = {
    .name = "mem",
    .device_id = VIRTIO_ID_MEM,
    .features = features,
    .config_size = CONFIG_BYTES,
    .nr_queues = 1,
    .init = init,
    .serve = serve,
};
