/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to the memory device, one at a time: one of them covers up to 65535 blocks, and
 * devices serve them one after the other anyway.
 */
#include "mem.h"
#include <neap/endian.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/page.h>
#include <neap/panic.h>

const char *const vmem_request_names[VMEM_REQUESTS] = {"plug", "unplug", "unplug_all", "state"};

const char *const vmem_answer_names[VMEM_ANSWERS] = {"ack",   "nack",    "busy",   "error",
                                                     "short", "unknown", "silent", "unsent"};

/* A value that no device gives: what it did not write is not taken for an answer. */
#define NO_ANSWER 0xffff

static void compose(struct vmem *vmem, enum vmem_request_type type,
                    const struct phys_range *range)
{
    uint64_t blocks = vmem_range_bytes(range) / vmem->region.subblock;

    ASSERT(blocks <= VMEM_REQUEST_BLOCKS && (blocks > 0 || type == VMEM_UNPLUG_ALL));
    vmem->message->request = (struct vmem_request){
        .type = le16((uint16_t)type),
        .address = le64(range->start),
        .nr_blocks = le16((uint16_t)blocks),
    };
    vmem->message->response = (struct vmem_response){.type = NO_ANSWER, .state = NO_ANSWER};
}

/*
 * MEM-017 to MEM-021: only the type counts, and the state when a STATE was acknowledged. Every
 * field is read once: the device can still write to it.
 */
static enum vmem_answer judge(const struct vmem *vmem, enum vmem_request_type type,
                              uint32_t length, enum vmem_block_state *state)
{
    const struct vmem_response *response = &vmem->message->response;
    uint16_t answer = le16(READ_ONCE(response->type));
    uint16_t value;

    if (length < sizeof(response->type))
        return VMEM_SHORT;
    if (answer > VMEM_ERROR)
        return VMEM_UNKNOWN;
    if (answer != VMEM_ACK || type != VMEM_STATE)
        return answer;
    if (length < sizeof(*response))
        return VMEM_SHORT;
    value = le16(READ_ONCE(response->state));
    if (value > VMEM_MIXED)
        return VMEM_UNKNOWN;
    *state = value;
    return VMEM_ACK;
}

static enum vmem_answer send(struct vmem *vmem, enum vmem_request_type type,
                             enum vmem_block_state *state)
{
    const struct virtio_sg sg[] = {
        {virt_to_phys(&vmem->message->request), sizeof(vmem->message->request)},
        {virt_to_phys(&vmem->message->response), sizeof(vmem->message->response)},
    };
    uint32_t length;

    if (virtqueue_add(vmem->queue, sg, 1, 1, vmem->message))
        return VMEM_UNSENT;
    virtqueue_kick(vmem->queue);
    if (virtqueue_wait(vmem->queue, &vmem->answers) || !virtqueue_take(vmem->queue, &length))
        return VMEM_SILENT;
    return judge(vmem, type, length, state);
}

enum vmem_answer vmem_request(struct vmem *vmem, enum vmem_request_type type,
                              const struct phys_range *range, enum vmem_block_state *state)
{
    enum vmem_answer answer;

    compose(vmem, type, range);
    answer = send(vmem, type, state);
    vmem->count[type][answer]++;
    return answer;
}

enum vmem_step vmem_doubt(struct vmem *vmem, const char *why)
{
    vmem->in_step = false;
    if (vmem->doubted) {
        virtio_device_misbehaved(vmem->dev, why);
        return VMEM_STOP;
    }
    vmem->doubted = true;
    log_warning("vmem", "%s: %s: it is asked for its blocks", vmem->dev->name, why);
    return VMEM_DOUBT;
}

enum vmem_step vmem_doubt_answer(struct vmem *vmem, enum vmem_request_type type,
                                 const struct phys_range *range, const char *said)
{
    char why[96];

    format_string(why, sizeof(why), "answers \"%s\" to %s %#llx + %#llx", said,
                  vmem_request_names[type], (unsigned long long)range->start,
                  (unsigned long long)vmem_range_bytes(range));
    return vmem_doubt(vmem, why);
}

enum vmem_step vmem_not_done(struct vmem *vmem, enum vmem_request_type type,
                             const struct phys_range *range, enum vmem_answer answer)
{
    if (answer == VMEM_BUSY)
        return VMEM_LATER;
    if (answer == VMEM_SILENT || answer == VMEM_UNSENT)
        return VMEM_STOP;
    if (answer != VMEM_NACK)
        return vmem_doubt_answer(vmem, type, range, vmem_answer_names[answer]);
    vmem->reason = "the device refuses";
    return VMEM_SETTLED;
}
