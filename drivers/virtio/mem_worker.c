/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory device's worker thread. It stays when the device is reset and is parked meanwhile,
 * so that nobody has to wait for a thread's very last instruction.
 */
#include "mem.h"
#include <arch/barrier.h>
#include <neap/errors.h>
#include <neap/thread.h>
#include <neap/timer.h>

/* Waits for a busy device. The shorter one also keeps refusals from becoming a storm. */
#define BACKOFF_MIN_NS (10 * NS_PER_MS)
#define BACKOFF_MAX_NS (1 * NS_PER_S)

static bool may_run(void *arg)
{
    return READ_ONCE(((struct vmem *)arg)->run);
}

static bool must_stop(void *arg)
{
    return !may_run(arg);
}

static bool is_parked(void *arg)
{
    return READ_ONCE(((struct vmem *)arg)->parked);
}

static bool has_config(void *arg)
{
    return must_stop(arg) || READ_ONCE(((struct vmem *)arg)->config_changed);
}

static bool has_wish(void *arg)
{
    return has_config(arg) || READ_ONCE(((struct vmem *)arg)->memory_changed);
}

static bool device_works(struct vmem *vmem)
{
    return may_run(vmem) && !vmem->given_up && !virtqueue_broken(vmem->queue);
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
    if (must_stop(vmem))
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
    wake_all(&vmem->settled);
}

/* Nothing wakes an idle guest: only a busy device is looked at again without a cause. */
static void wait_for_cause(struct vmem *vmem, enum vmem_step step)
{
    switch (step) {
    case VMEM_SETTLED:
        rest(vmem, vmem->reason ? VMEM_WAITING : VMEM_IDLE);
        (void)wait_until(&vmem->events, has_config, vmem, WAIT_FOREVER);
        break;
    case VMEM_HELD:
        rest(vmem, VMEM_WAITING);
        (void)wait_until(&vmem->events, has_config, vmem, BACKOFF_MIN_NS);
        (void)wait_until(&vmem->events, has_wish, vmem, WAIT_FOREVER);
        break;
    case VMEM_LATER:
        rest(vmem, VMEM_WAITING);
        vmem->reason = "the device is busy";
        (void)wait_until(&vmem->events, has_config, vmem, vmem->backoff_ns);
        vmem->backoff_ns = MIN(2 * vmem->backoff_ns, BACKOFF_MAX_NS);
        return;
    default:
        break;
    }
    vmem->backoff_ns = BACKOFF_MIN_NS;
}

static bool is_started(void *arg)
{
    return !is_parked(arg);
}

static void worker_main(void *arg)
{
    struct vmem *vmem = arg;

    for (;;) {
        /* Not may_run(): it may be false again by now, and who parks it waits for an answer. */
        (void)wait_until(&vmem->events, is_started, vmem, WAIT_FOREVER);
        while (device_works(vmem)) {
            enum vmem_step step = do_step(vmem);

            wake_all(&vmem->settled);
            wait_for_cause(vmem, step);
        }
        (void)wait_until(&vmem->events, must_stop, vmem, WAIT_FOREVER);
        WRITE_ONCE(vmem->parked, true);
        wake_all(&vmem->settled);
    }
}

int vmem_worker_create(struct vmem *vmem)
{
    if (!vmem->worker)
        vmem->worker = thread_create("vmem", THREAD_NORMAL, worker_main, vmem);
    return vmem->worker ? 0 : -ENOMEM;
}

/* The flags change here together: the worker itself only ever says that it is parked. */
void vmem_worker_start(struct vmem *vmem)
{
    vmem->backoff_ns = BACKOFF_MIN_NS;
    WRITE_ONCE(vmem->run, true);
    /* After `run`, or the worker would park itself again at once. */
    barrier_full();
    WRITE_ONCE(vmem->parked, false);
    wake_all(&vmem->events);
}

void vmem_worker_park(struct vmem *vmem)
{
    WRITE_ONCE(vmem->run, false);
    /* Who takes the flag for news of the configuration must see what it really means. */
    barrier_full();
    vmem_worker_config_changed(vmem);
    wake_all(&vmem->settled);
    (void)wait_until(&vmem->settled, is_parked, vmem, WAIT_FOREVER);
}

void vmem_worker_config_changed(struct vmem *vmem)
{
    WRITE_ONCE(vmem->config_changed, true);
    wake_all(&vmem->events);
}

void vmem_worker_memory_changed(struct elastic_region *region)
{
    struct vmem *vmem = container_of(region, struct vmem, region);

    WRITE_ONCE(vmem->memory_changed, true);
    wake_all(&vmem->events);
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

    return vmem_in_use(vmem) > wait->before || !READ_ONCE(vmem->run) || vmem->given_up ||
           (activity != VMEM_CHECKING && activity != VMEM_PLUGGING &&
            !READ_ONCE(vmem->config_changed));
}

static uint64_t wait_for_plug(struct reclaimer *self, uint64_t pages UNUSED)
{
    struct vmem *vmem = container_of(self, struct vmem, reclaimer);
    struct plug_wait wait = {vmem, vmem_in_use(vmem)};
    uint64_t now;

    if (thread_current() == vmem->worker)
        return 0;
    (void)wait_until(&vmem->settled, plug_is_over, &wait, PLUG_PATIENCE_NS);
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
