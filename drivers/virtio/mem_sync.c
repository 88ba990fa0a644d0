/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agreement with the device on every block: at a start with memory plugged, and whenever an
 * answer left open what the device did.
 */
#include "mem.h"
#include <neap/log.h>

/* What to do with blocks that are all plugged, or all unplugged, at the device. */
typedef enum vmem_step (*found_t)(struct vmem *vmem, const struct phys_range *range,
                                  bool plugged);

static enum vmem_step ask(struct vmem *vmem, const struct phys_range *range,
                          enum vmem_block_state *state)
{
    enum vmem_answer answer = vmem_request(vmem, VMEM_STATE, range, state);

    if (answer == VMEM_NACK) /* no answer to a question */
        return vmem_doubt_answer(vmem, VMEM_STATE, range, "nack");
    if (answer != VMEM_ACK)
        return vmem_not_done(vmem, VMEM_STATE, range, answer);
    if (*state == VMEM_MIXED && vmem_range_bytes(range) == vmem->region.subblock)
        return vmem_doubt_answer(vmem, VMEM_STATE, range, "mixed");
    return VMEM_AGAIN;
}

/*
 * Find the state of every block of `range` and call found() for parts of one state, lowest
 * first. What is mixed is halved; after an answer that was not, twice as many blocks are asked
 * for. VMEM_AGAIN: all of it was found.
 */
static enum vmem_step walk(struct vmem *vmem, struct phys_range range, found_t found)
{
    uint64_t block = vmem->region.subblock, blocks = VMEM_REQUEST_BLOCKS;

    while (range.start < range.end) {
        uint64_t left = vmem_range_bytes(&range) / block;
        struct phys_range part = {range.start, range.start + MIN(blocks, left) * block};
        enum vmem_block_state state;
        enum vmem_step step = ask(vmem, &part, &state);

        blocks = vmem_range_bytes(&part) / block;
        if (step == VMEM_AGAIN && state == VMEM_MIXED) {
            blocks /= 2;
            continue;
        }
        if (step == VMEM_AGAIN)
            step = found(vmem, &part, state == VMEM_PLUGGED);
        if (step != VMEM_AGAIN)
            return step;
        range.start = part.end;
        blocks = MIN(2 * blocks, VMEM_REQUEST_BLOCKS);
    }
    return VMEM_AGAIN;
}

/* Blocks that mm gave up for an UNPLUG of which nobody knows whether it was done. */
static enum vmem_step resolve_taken(struct vmem *vmem, const struct phys_range *range,
                                    bool plugged)
{
    if (plugged)
        elastic_put_back(&vmem->region, range);
    else
        elastic_removed(&vmem->region, range);
    vmem->taken.start = range->end;
    return VMEM_AGAIN;
}

/* Plugged without our knowledge: use it; if mm cannot, unplug it. */
static enum vmem_step adopt(struct vmem *vmem, const struct phys_range *range)
{
    enum vmem_answer answer;

    if (!elastic_add(&vmem->region, range))
        return VMEM_AGAIN;
    answer = vmem_request(vmem, VMEM_UNPLUG, range, NULL);
    return answer == VMEM_ACK ? VMEM_AGAIN : vmem_not_done(vmem, VMEM_UNPLUG, range, answer);
}

/* Nothing brings the data back, and whoever uses the memory may go on for a while. */
static enum vmem_step lose(struct vmem *vmem, const struct phys_range *range)
{
    log_error("vmem", "%s: says that %#llx..%#llx, which is in use, is unplugged: left alone",
              vmem->dev->name, (unsigned long long)range->start,
              (unsigned long long)range->end);
    vmem->reason = "it says that memory in use is unplugged";
    vmem->given_up = true;
    return VMEM_STOP;
}

static bool in_use(const struct elastic_region *region, uint64_t address)
{
    uint64_t number = (address - region->start) / region->subblock;

    return region->plugged_map[number / 64] >> (number % 64) & 1;
}

/* Compare with mm, run by run of what mm has in one state. */
static enum vmem_step reconcile(struct vmem *vmem, const struct phys_range *range, bool plugged)
{
    const struct elastic_region *region = &vmem->region;
    struct phys_range run = {range->start, range->start};
    enum vmem_step step = VMEM_AGAIN;

    for (; run.start < range->end && step == VMEM_AGAIN; run.start = run.end) {
        bool used = in_use(region, run.start);

        do
            run.end += region->subblock;
        while (run.end < range->end && in_use(region, run.end) == used);
        if (plugged && !used)
            step = adopt(vmem, &run);
        else if (!plugged && used)
            step = lose(vmem, &run);
    }
    return step;
}

/*
 * MEM-005: what nobody uses goes at once. A device that is too busy for that, or does not want
 * it, leaves the memory to be used.
 */
static enum vmem_step unplug_all(struct vmem *vmem)
{
    const struct phys_range none = {vmem->region.start, vmem->region.start};
    enum vmem_answer answer = vmem_request(vmem, VMEM_UNPLUG_ALL, &none, NULL);

    vmem->in_step = answer == VMEM_ACK;
    return answer == VMEM_SILENT || answer == VMEM_UNSENT ? VMEM_STOP : VMEM_AGAIN;
}

enum vmem_step vmem_sync(struct vmem *vmem)
{
    struct phys_range usable = {vmem->region.start, vmem->region.start + vmem->usable};
    enum vmem_step step = VMEM_AGAIN;

    vmem->activity = VMEM_CHECKING;
    if (!vmem_in_use(vmem) && !vmem_range_bytes(&vmem->taken)) {
        step = unplug_all(vmem);
        if (vmem->in_step)
            return step;
    }
    if (step == VMEM_AGAIN)
        step = walk(vmem, vmem->taken, resolve_taken);
    if (step == VMEM_AGAIN)
        step = walk(vmem, usable, reconcile);
    vmem->in_step = step == VMEM_AGAIN;
    return step;
}
