/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way to the requested size: plug the lowest blocks that are free to plug, unplug what mm
 * can do without.
 */
#include "mem.h"
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>

enum vmem_step vmem_look(struct vmem *vmem)
{
    int error = vmem_read_sizes(vmem);

    if (!error)
        return VMEM_AGAIN;
    if (error == -EINVAL) {
        vmem->reason = "its configuration makes no sense";
        return VMEM_SETTLED;
    }
    virtio_device_misbehaved(vmem->dev, "its sizes cannot be read");
    return VMEM_STOP;
}

/* Plugged, but mm has no memory to manage it with: the host can have it back. */
static enum vmem_step give_back(struct vmem *vmem, const struct phys_range *range)
{
    enum vmem_answer answer = vmem_request(vmem, VMEM_UNPLUG, range, NULL);

    vmem->reason = "no memory to manage more";
    if (answer == VMEM_ACK)
        return VMEM_HELD;
    vmem->in_step = false;
    return vmem_not_done(vmem, VMEM_UNPLUG, range, answer);
}

/* A refused PLUG: has the host changed its mind meanwhile? If not, it will tell when it does.
 */
static enum vmem_step refused(struct vmem *vmem, const struct phys_range *range)
{
    uint64_t usable = vmem->usable, requested = vmem->requested;
    enum vmem_step step = vmem_look(vmem);

    if (step != VMEM_AGAIN || usable != vmem->usable || requested != vmem->requested)
        return step;
    return vmem_not_done(vmem, VMEM_PLUG, range, VMEM_NACK);
}

static enum vmem_step plug(struct vmem *vmem, uint64_t missing)
{
    struct elastic_region *region = &vmem->region;
    uint64_t blocks = MIN(missing / region->subblock, VMEM_REQUEST_BLOCKS);
    struct phys_range range;
    enum vmem_answer answer;

    vmem->activity = VMEM_PLUGGING;
    if (!elastic_find_unplugged(region, region->start + vmem->usable, blocks, &range)) {
        vmem->reason = "the usable region is full";
        return VMEM_SETTLED;
    }
    answer = vmem_request(vmem, VMEM_PLUG, &range, NULL);
    if (answer == VMEM_NACK)
        return refused(vmem, &range);
    if (answer != VMEM_ACK)
        return vmem_not_done(vmem, VMEM_PLUG, &range, answer);
    return elastic_add(region, &range) ? give_back(vmem, &range) : VMEM_AGAIN;
}

/* Why less than asked can go, once for each request of the host. */
static void tell(struct vmem *vmem, uint64_t surplus)
{
    const struct elastic_refusal *why = &vmem->refusal;
    char stays[FORMAT_SIZE_MAX], pinned[FORMAT_SIZE_MAX], kernel[FORMAT_SIZE_MAX];
    char missing[FORMAT_SIZE_MAX];

    if (vmem->told && vmem->told_requested == vmem->requested)
        return;
    vmem->told = true;
    vmem->told_requested = vmem->requested;
    log_info(
        "vmem",
        "%s: %s more than requested must stay: pinned %s, held by the kernel %s, data that "
        "fits nowhere else %s%s%s",
        vmem->dev->name, format_size(stays, surplus), format_size(pinned, why->pinned),
        format_size(kernel, why->kernel), format_size(missing, why->missing),
        why->holder ? ", holder " : "", why->holder ? why->holder : "");
}

static enum vmem_step not_taken(struct vmem *vmem, int error, uint64_t surplus)
{
    if (error == -ECANCELED)
        return VMEM_AGAIN;
    tell(vmem, surplus);
    vmem->reason = error == -EBUSY ? "pages are held" : "the data fits nowhere else";
    return VMEM_HELD;
}

/* Mm may use the lower `bytes` of what it gave up again. */
static void put_back(struct vmem *vmem, uint64_t bytes)
{
    const struct phys_range range = {vmem->taken.start, vmem->taken.start + bytes};

    if (bytes)
        elastic_put_back(&vmem->region, &range);
    vmem->taken.start = range.end;
}

static enum vmem_step unplug_taken(struct vmem *vmem)
{
    enum vmem_answer answer = vmem_request(vmem, VMEM_UNPLUG, &vmem->taken, NULL);
    const struct phys_range range = vmem->taken;

    if (answer == VMEM_ACK) {
        elastic_removed(&vmem->region, &range);
        vmem->taken.start = range.end;
        return VMEM_AGAIN;
    }
    if (answer == VMEM_BUSY || answer == VMEM_NACK || answer == VMEM_UNSENT)
        put_back(vmem, vmem_range_bytes(&range));
    else
        vmem->in_step = false;
    return vmem_not_done(vmem, VMEM_UNPLUG, &range, answer);
}

/*
 * To take may last long, so the host is asked again before the blocks go: never more than it
 * wants, and the highest ones.
 */
static enum vmem_step unplug(struct vmem *vmem, uint64_t surplus)
{
    uint64_t block = vmem->region.subblock, have = vmem_in_use(vmem), taken, keep;
    enum vmem_step step;
    int error;

    vmem->activity = VMEM_UNPLUGGING;
    vmem->refusal = (struct elastic_refusal){0};
    error = elastic_take(&vmem->region, MIN(surplus / block, VMEM_REQUEST_BLOCKS), &vmem->taken,
                         &vmem->refusal, &vmem->config_changed);
    if (error) {
        vmem->taken = (struct phys_range){0};
        return not_taken(vmem, error, surplus);
    }
    taken = vmem_range_bytes(&vmem->taken);
    step = vmem_look(vmem);
    surplus = step == VMEM_AGAIN && have > vmem_target(vmem) ? have - vmem_target(vmem) : 0;
    keep = taken > surplus ? taken - surplus : 0;
    put_back(vmem, keep);
    return keep < taken ? unplug_taken(vmem) : step;
}

enum vmem_step vmem_converge(struct vmem *vmem)
{
    uint64_t have = vmem_in_use(vmem), target = vmem_target(vmem);

    if (vmem->plugged != have)
        return vmem_doubt(vmem, "its plugged size is not the size of what it plugged");
    if (have < target)
        return plug(vmem, target - have);
    if (have > target)
        return unplug(vmem, have - target);
    vmem->doubted = false;
    vmem->told = false;
    vmem->refusal = (struct elastic_refusal){0};
    return VMEM_SETTLED;
}
