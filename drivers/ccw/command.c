/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running one command on a device. Channel programs and their data lie below 2 GiB: there is
 * one buffer for them in the image, so there is one command at a time.
 */
#include "internal.h"
#include <arch/layout.h>
#include <neap/errors.h>
#include <neap/lock.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <string.h>

/* A virtual device answers at once; its host may be busy. */
#define ANSWER_SECONDS 10

static struct mutex program_mutex =
    MUTEX_INIT(program_mutex, "channel program", LOCK_RANK_CHANNEL);

static struct {
    struct ccw ccw;
    uint8_t data[CCW_DATA_MAX];
} program; /* under program_mutex */

static int modify(struct ccw_device *dev, uint16_t set, uint16_t clear)
{
    struct schib schib;

    if (arch_subchannel_store(dev->id, &schib) || !(schib.pmcw.flags & PMCW_VALID))
        return -ENODEV;
    schib.pmcw.flags = (uint16_t)((schib.pmcw.flags & ~clear) | set);
    schib.pmcw.characteristics |= PMCW_SENSE;
    return arch_subchannel_modify(dev->id, &schib) ? -ENODEV : 0;
}

int ccw_enable(struct ccw_device *dev)
{
    return modify(dev, PMCW_ENABLED | CCW_ISC << PMCW_ISC_SHIFT, PMCW_ISC);
}

void ccw_disable(struct ccw_device *dev)
{
    struct irb irb;

    arch_subchannel_clear(dev->id);
    arch_subchannel_test(dev->id, &irb); /* a pending status would refuse the change */
    modify(dev, 0, PMCW_ENABLED);
}

void ccw_interrupt(subchannel_t id)
{
    struct ccw_device *dev = ccw_find(id);
    struct irb irb;

    if (arch_subchannel_test(id, &irb) || !dev)
        return;
    /* The device may speak for itself in any status, also in the one that ends a command. */
    if (dev->attention)
        dev->attention(dev);
    if (!(irb.scsw.control & SCSW_CLEAR) &&
        (~irb.scsw.control & (SCSW_START | SCSW_FINAL))) /* no command has ended */
        return;
    dev->irb = irb;
    __atomic_store_n(&dev->ended, true, __ATOMIC_RELEASE);
    wake_all(&dev->waiters);
}

static bool has_ended(void *arg)
{
    const struct ccw_device *dev = arg;

    return __atomic_load_n(&dev->ended, __ATOMIC_ACQUIRE);
}

/* Second by second: a guest that was paused finds its clock moved on. */
static int wait_ended(struct ccw_device *dev)
{
    for (unsigned i = 0; i < ANSWER_SECONDS; i++)
        if (!wait_until(&dev->waiters, has_ended, dev, NS_PER_S))
            return 0;
    log_warning("ccw", "%x.%04x: a command does not end, the device is cut off",
                dev->id >> 17 & 3, dev->number);
    ccw_disable(dev);
    return -ETIMEDOUT;
}

/* Virtual devices end a command before its start returns: nobody needs to sleep for those. */
static void look_at_once(struct ccw_device *dev)
{
    irqflags_t flags = arch_irq_save();

    ccw_interrupt(dev->id);
    arch_irq_restore(flags);
}

static int result_of(const struct irb *irb)
{
    if (irb->scsw.device_status & DEVICE_UNIT_CHECK)
        return irb->sense[0] & SENSE_COMMAND_REJECT ? -ENOTSUP : -EIO;
    if (irb->scsw.channel_status ||
        irb->scsw.device_status != (DEVICE_CHANNEL_END | DEVICE_END))
        return -EIO;
    return 0;
}

static int run(struct ccw_device *dev)
{
    struct orb orb = {.control = ORB_FORMAT_1 | ORB_PREFETCH | 0xffu << ORB_PATHS_SHIFT,
                      .program = (uint32_t)image_to_phys(&program.ccw)};
    unsigned cc;

    dev->ended = false;
    cc = arch_subchannel_start(dev->id, &orb);
    if (cc == 1) { /* status of its own is pending: its interrupt takes it away */
        thread_yield();
        cc = arch_subchannel_start(dev->id, &orb);
    }
    if (cc)
        return cc == 3 ? -ENODEV : -EIO;
    look_at_once(dev);
    return wait_ended(dev);
}

int ccw_command(struct ccw_device *dev, struct ccw_request *request)
{
    int error;

    ASSERT(request->length <= CCW_DATA_MAX);
    mutex_lock(&program_mutex);
    program.ccw = (struct ccw){
        .command = request->command,
        .flags = request->short_is_fine ? CCW_SHORT_IS_FINE : 0,
        .count = (uint16_t)request->length,
        .address = (uint32_t)image_to_phys(program.data),
    };
    if (request->length)
        memcpy(program.data, request->data, request->length);
    error = run(dev);
    if (!error)
        error = result_of(&dev->irb);
    request->residual = MIN(dev->irb.scsw.count, request->length);
    if (!error && request->reads)
        memcpy(request->data, program.data, request->length);
    mutex_unlock(&program_mutex);
    return error;
}
