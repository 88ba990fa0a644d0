/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free page reporting: the device behind mm's reporter (BALLOON-037 to BALLOON-042).
 */
#include "balloon.h"
#include <neap/errors.h>
#include <neap/log.h>

/*
 * Lengths have 32 bits, and a whole report must stay below 4 GiB (RING-SPLIT-004). Pieces of a
 * power of two keep the alignment that the host's large pages need.
 */
#define PIECE_BYTES  GIB
#define REPORT_BYTES (3 * GIB)

struct report {
    struct balloon *balloon;
    unsigned pieces;
    uint64_t bytes;
};

/* Hand over what was collected and wait: nobody may touch it before (BALLOON-039). */
static int send(struct report *report)
{
    struct balloon *balloon = report->balloon;
    struct virtqueue *queue = balloon->queues[BALLOON_REPORT];
    int error;

    if (!report->pieces)
        return 0;
    error = virtqueue_add(queue, balloon->report_sg, 0, report->pieces, balloon);
    if (error)
        return error;
    report->pieces = 0;
    report->bytes = 0;
    virtqueue_kick(queue);
    error = virtqueue_wait(queue, &balloon->report_answers);
    if (!error && !virtqueue_take(queue, NULL))
        error = -EIO;
    return error;
}

static int add_piece(struct report *report, uint64_t start, uint64_t bytes)
{
    struct virtio_sg *sg;
    int error = 0;

    if (report->pieces == report->balloon->reporting.capacity ||
        report->bytes + bytes > REPORT_BYTES)
        error = send(report);
    if (error)
        return error;
    sg = &report->balloon->report_sg[report->pieces++];
    *sg = (struct virtio_sg){.phys = start, .length = (uint32_t)bytes};
    report->bytes += bytes;
    return 0;
}

static int report_ranges(struct reporting_device *self, const struct phys_range *ranges,
                         unsigned nr_ranges)
{
    struct report report = {.balloon = container_of(self, struct balloon, reporting)};
    int error = 0;

    for (unsigned i = 0; i < nr_ranges && !error; i++)
        for (uint64_t at = ranges[i].start; at < ranges[i].end && !error; at += PIECE_BYTES)
            error = add_piece(&report, at, MIN(ranges[i].end - at, PIECE_BYTES));
    return error ? error : send(&report);
}

void balloon_report_start(struct balloon *balloon)
{
    int error;

    if (!balloon->queues[BALLOON_REPORT])
        return;
    balloon->reporting = (struct reporting_device){
        .name = balloon->dev->name,
        .capacity = MIN(virtqueue_size(balloon->queues[BALLOON_REPORT]), BALLOON_REPORT_RANGES),
        .report = report_ranges,
    };
    error = reporting_register(&balloon->reporting);
    balloon->reporting_registered = !error;
    if (error)
        log_warning("balloon", "%s: free pages are not reported through it: %s",
                    balloon->dev->name, error_name(error));
}

void balloon_report_stop(struct balloon *balloon)
{
    if (balloon->reporting_registered)
        reporting_unregister(&balloon->reporting);
    balloon->reporting_registered = false;
}
