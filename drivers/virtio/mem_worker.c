/* SPDX-License-Identifier: BSD-2-Clause */
/* What the memory device's worker does, and what it waits for in between. */
#include "mem.h"
#include <arch/barrier.h>
#include <neap/thread.h>
#include <neap/timer.h>

/* Waits for a busy device. The shorter one also keeps refusals from becoming a storm. */
#define BACKOFF_MIN_NS (10 * NS_PER_MS)
#define BACKOFF_MAX_NS (1 * NS_PER_S)

static bool has_config(void *arg)
{
    const struct vmem *vmem = arg;

    return !virtio_worker_may_run(&vmem->worker) || READ_ONCE(vmem->config_changed);
}

static bool has_wish(void *arg)
{
    return has_config(arg) || READ_ONCE(((struct vmem *)arg)->memory_changed);
}

static bool device_works(struct vmem *vmem)
{
    return virtio_worker_may_run(&vmem->worker) && !vmem->given_up &&
           !virtqueue_broken(vmem->queue);
}

/* Everything once. */
static enum vmem_step do_step(struct vmem *vmem)
{
    enum vmem_step step;

    WRITE_ONCE(vmem->activity, VMEM_CHECKING);
    WRITE_ONCE(vmem->config_changed, false);
    WRITE_ONCE(vmem->memory_changed, false);
    /* A change behind this sets its flag again; one before it is seen now, an end as well. */
    barrier_full();
    if (!virtio_worker_may_run(&vmem->worker))
        return VMEM_STOP;
    vmem->reason = NULL;
    step = vmem_look(vmem);
    if (step != VMEM_AGAIN)
        return step;
    return vmem->in_step ? vmem_converge(vmem) : vmem_sync(vmem);
}

/* Nothing more is plugged for now: who waits for it is told. */
static void rest(struct vmem *vmem, enum vmem_activity activity)
{
    WRITE_ONCE(vmem->activity, activity);
    wake_all(&vmem->worker.settled);
}

/* Nothing wakes an idle guest: only a busy device is looked at again without a cause. */
static void wait_for_cause(struct vmem *vmem, enum vmem_step step)
{
    switch (step) {
    case VMEM_SETTLED:
        rest(vmem, vmem->reason ? VMEM_WAITING : VMEM_IDLE);
        (void)wait_until(&vmem->worker.events, has_config, vmem, WAIT_FOREVER);
        break;
    case VMEM_HELD:
        rest(vmem, VMEM_WAITING);
        (void)wait_until(&vmem->worker.events, has_config, vmem, BACKOFF_MIN_NS);
        (void)wait_until(&vmem->worker.events, has_wish, vmem, WAIT_FOREVER);
        break;
    case VMEM_LATER:
        rest(vmem, VMEM_WAITING);
        vmem->reason = "the device is busy";
        (void)wait_until(&vmem->worker.events, has_config, vmem, vmem->backoff_ns);
        vmem->backoff_ns = MIN(2 * vmem->backoff_ns, BACKOFF_MAX_NS);
        return;
    default:
        break;
    }
    vmem->backoff_ns = BACKOFF_MIN_NS;
}

static void serve(struct virtio_worker *worker)
{
    struct vmem *vmem = container_of(worker, struct vmem, worker);

    while (device_works(vmem)) {
        enum vmem_step step = do_step(vmem);

        wake_all(&worker->settled);
        wait_for_cause(vmem, step);
    }
}

void vmem_worker_init(struct vmem *vmem)
{
    virtio_worker_init(&vmem->worker, serve);
}

void vmem_worker_start(struct vmem *vmem)
{
    vmem->backoff_ns = BACKOFF_MIN_NS;
    virtio_worker_start(&vmem->worker);
}

void vmem_worker_park(struct vmem *vmem)
{
    virtio_worker_stop(&vmem->worker);
    /* Who takes the flag for news of the configuration must see what it really means. */
    barrier_full();
    vmem_worker_config_changed(vmem);
    virtio_worker_park(&vmem->worker);
}

void vmem_worker_config_changed(struct vmem *vmem)
{
    WRITE_ONCE(vmem->config_changed, true);
    wake_all(&vmem->worker.events);
}

void vmem_worker_memory_changed(struct elastic_region *region)
{
    struct vmem *vmem = container_of(region, struct vmem, region);

    WRITE_ONCE(vmem->memory_changed, true);
    wake_all(&vmem->worker.events);
}

/* --- for threads that are short of memory --- */

/* Longer than a busy host needs to plug and describe many GiB; who waited in vain fails. */
#define PLUG_PATIENCE_NS (8 * NS_PER_S)

struct plug_wait {
    const struct vmem *vmem;
    uint64_t before;
};

/* More has come, or the worker is not about to plug. */
static bool plug_is_over(void *arg)
{
    const struct plug_wait *wait = arg;
    const struct vmem *vmem = wait->vmem;
    enum vmem_activity activity = READ_ONCE(vmem->activity);

    return vmem_in_use(vmem) > wait->before || !virtio_worker_may_run(&vmem->worker) ||
           vmem->given_up ||
           (activity != VMEM_CHECKING && activity != VMEM_PLUGGING &&
            !READ_ONCE(vmem->config_changed));
}

static uint64_t wait_for_plug(struct reclaimer *self, uint64_t pages UNUSED)
{
    struct vmem *vmem = container_of(self, struct vmem, reclaimer);
    struct plug_wait wait = {vmem, vmem_in_use(vmem)};
    uint64_t now;

    if (thread_current() == vmem->worker.thread)
        return 0;
    (void)wait_until(&vmem->worker.settled, plug_is_over, &wait, PLUG_PATIENCE_NS);
    now = vmem_in_use(vmem);
    return now > wait.before ? (now - wait.before) >> PAGE_SHIFT : 0;
}

void vmem_worker_help(struct vmem *vmem)
{
    vmem->reclaimer = (struct reclaimer){
        .name = "vmem",
        .order = RECLAIM_PLUG,
        .reclaim = wait_for_plug,
    };
    reclaimer_register(&vmem->reclaimer);
}
