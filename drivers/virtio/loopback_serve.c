/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread of a device made of software: it serves the queues, gives buffers back as the plan
 * says, and interrupts the driver.
 */
#include "internal.h"
#include "loopback.h"
#include <arch/irq.h>
#include <neap/alloc.h>
#include <neap/pgtable.h>
#include <neap/timer.h>
#include <string.h>

#define REACH_MAX (UINT64_C(16) << 20) /* the longest ring area, with room */
#define TURN_MAX  256                  /* buffers of a queue, then the lock is free once */

void *loopback_reach(void *arg UNUSED, uint64_t phys, uint64_t bytes)
{
    uint64_t end = phys + bytes;

    if (!bytes || bytes > REACH_MAX || end < phys)
        return NULL;
    for (uint64_t at = phys & ~(uint64_t)(PAGE_SIZE - 1); at < end; at += PAGE_SIZE)
        if (!pgtable_lookup(&kernel_pgtable, (uintptr_t)phys_to_virt(at), NULL, NULL, NULL))
            return NULL;
    return phys_to_virt(phys);
}

bool loopback_pop(struct loopback *loopback, unsigned queue, struct vringd_chain *chain)
{
    struct loopback_queue *q = &loopback->queues[queue];
    int got = 0;

    /* A driver that sends on and on must not keep what it is to be told from being told. */
    if (!q->turn)
        __atomic_fetch_or(&loopback->pending, 1u << queue, __ATOMIC_RELAXED);
    else if (q->enabled && !(loopback->status & VIRTIO_STATUS_NEEDS_RESET))
        got = vringd_pop(&q->ring, chain);
    q->turn -= got > 0;
    if (got < 0) {
        q->enabled = false;
        loopback_give_up(loopback);
    }
    q->popped += got > 0;
    return got > 0;
}

static void put(struct loopback_queue *queue, uint32_t head, uint32_t length)
{
    vringd_push(&queue->ring, head, length);
    queue->pushed++;
}

static void put_kept(struct loopback_queue *queue)
{
    if (queue->held)
        put(queue, queue->kept_head, queue->kept_length);
    queue->held = false;
}

static void keep(struct loopback_queue *queue, uint32_t head, uint32_t length, uint64_t until)
{
    put_kept(queue);
    queue->held = true;
    queue->kept_head = head;
    queue->kept_length = length;
    queue->kept_until = until;
}

/* What becomes of the next buffer of this queue, or of the request in it. */
static enum loopback_fault next_fault(struct loopback *loopback, unsigned queue, bool refusal)
{
    struct loopback_plan *plan = &loopback->plan;

    if (plan->queue != queue || !plan->times || refusal != (plan->fault >= LOOPBACK_NACK))
        return LOOPBACK_GOOD;
    if (plan->after) {
        plan->after--;
        return LOOPBACK_GOOD;
    }
    plan->times--;
    return plan->fault;
}

enum loopback_fault loopback_refusal(struct loopback *loopback, unsigned queue)
{
    return next_fault(loopback, queue, true);
}

uint64_t loopback_room(const struct vringd_chain *chain)
{
    uint64_t room = 0;

    for (unsigned i = chain->out; i < chain->out + chain->in; i++)
        room += chain->pieces[i].length;
    return room;
}

void loopback_push(struct loopback *loopback, unsigned queue, const struct vringd_chain *chain,
                   uint32_t length)
{
    struct loopback_queue *q = &loopback->queues[queue];
    enum loopback_fault fault = next_fault(loopback, queue, false);

    switch (fault) {
    case LOOPBACK_DROP:
        return;
    case LOOPBACK_BROKEN:
        q->enabled = false;
        return;
    case LOOPBACK_DELAY:
    case LOOPBACK_EARLY:
        q->early = fault == LOOPBACK_EARLY;
        keep(q, chain->head, length, clock_ns() + LOOPBACK_DELAY_NS);
        return;
    case LOOPBACK_REORDER:
        keep(q, chain->head, length, WAIT_FOREVER);
        return;
    case LOOPBACK_NEEDS_RESET:
        loopback_give_up(loopback);
        return;
    case LOOPBACK_WRONG_ID: /* the number of descriptors stays right */
        put(q, (chain->head & 0xffff0000u) | 0xfffe, length);
        return;
    case LOOPBACK_WRONG_LENGTH:
        put(q, chain->head, (uint32_t)loopback_room(chain) + 1);
        return;
    default:
        put(q, chain->head, length);
    }
    if (fault == LOOPBACK_DUPLICATE)
        put(q, chain->head, length);
    if (q->kept_until == WAIT_FOREVER)
        put_kept(q);
}

void loopback_set_plan(struct loopback *loopback, const struct loopback_plan *plan)
{
    mutex_lock(&loopback->lock);
    loopback->plan = *plan;
    for (unsigned i = 0; i < loopback->model->nr_queues; i++)
        put_kept(&loopback->queues[i]);
    mutex_unlock(&loopback->lock);
    /* For the interrupts. */
    __atomic_fetch_or(&loopback->pending, (1u << loopback->model->nr_queues) - 1,
                      __ATOMIC_ACQ_REL);
    wake_all(&loopback->events);
}

/* ---- the pieces of a chain ---- */

static uint32_t copy(const struct virtio_sg *pieces, unsigned nr, uint8_t *bytes,
                     uint32_t count, bool to_driver)
{
    uint32_t done = 0;

    for (unsigned i = 0; i < nr && done < count; i++) {
        uint32_t here = MIN(count - done, pieces[i].length);
        uint8_t *memory = loopback_reach(NULL, pieces[i].phys, here);

        if (!memory)
            break;
        memcpy(to_driver ? memory : bytes + done, to_driver ? bytes + done : memory, here);
        done += here;
    }
    return done;
}

uint32_t loopback_read(const struct vringd_chain *chain, void *bytes, uint32_t count)
{
    return copy(chain->pieces, chain->out, bytes, count, false);
}

uint32_t loopback_write(const struct vringd_chain *chain, const void *bytes, uint32_t count)
{
    return copy(chain->pieces + chain->out, chain->in, (uint8_t *)(uintptr_t)bytes, count,
                true);
}

/* ---- the thread ---- */

static bool is_live(const struct loopback *loopback)
{
    return READ_ONCE(loopback->status) & VIRTIO_STATUS_DRIVER_OK;
}

static bool has_work(void *arg)
{
    const struct loopback *loopback = arg;

    return is_live(loopback) &&
           (READ_ONCE(loopback->pending) || READ_ONCE(loopback->config_pending));
}

/* How long nothing is to be given back. */
static uint64_t patience(struct loopback *loopback)
{
    uint64_t wait = WAIT_FOREVER;

    mutex_lock(&loopback->lock);
    for (unsigned i = 0; i < loopback->model->nr_queues; i++)
        if (loopback->queues[i].held && loopback->queues[i].kept_until != WAIT_FOREVER)
            wait = LOOPBACK_DELAY_NS;
    mutex_unlock(&loopback->lock);
    return wait;
}

/* Callbacks run as from an interrupt: they only wake somebody. */
static void interrupt(struct loopback *loopback, unsigned index)
{
    struct loopback_queue *queue = &loopback->queues[index];
    irqflags_t flags;

    if (!queue->enabled || !queue->interrupts ||
        (!vringd_wants_interrupt(&queue->ring) && !queue->early))
        return;
    queue->early = false;
    flags = arch_irq_save();
    virtio_queue_interrupt(&loopback->dev, index);
    arch_irq_restore(flags);
}

static void serve_queues(struct loopback *loopback)
{
    uint32_t pending = __atomic_exchange_n(&loopback->pending, 0, __ATOMIC_ACQ_REL);

    for (unsigned i = 0; i < loopback->model->nr_queues; i++)
        loopback->queues[i].turn = TURN_MAX;
    for (unsigned i = 0; i < loopback->model->nr_queues; i++) {
        struct loopback_queue *queue = &loopback->queues[i];

        if (pending >> i & 1) {
            queue->notified++;
            loopback->model->serve(loopback, i);
        }
        if (queue->kept_until <= clock_ns())
            put_kept(queue);
    }
    /* A model answers on other queues than the notified one, too. */
    for (unsigned i = 0; i < loopback->model->nr_queues; i++)
        interrupt(loopback, i);
}

void loopback_thread(void *arg)
{
    struct loopback *loopback = arg;

    for (;;) {
        (void)wait_until(&loopback->events, has_work, loopback, patience(loopback));
        mutex_lock(&loopback->lock);
        if (is_live(loopback)) {
            serve_queues(loopback);
            if (loopback->config_pending)
                virtio_config_interrupt(&loopback->dev);
            loopback->config_pending = false;
        }
        mutex_unlock(&loopback->lock);
    }
}
