/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shell command `vmem`.
 */
#include "mem.h"
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/shell.h>

static const char *const activity_names[] = {"idle", "plugging", "unplugging", "checking",
                                             "waiting"};

static const struct {
    unsigned bit;
    const char *name;
} feature_names[] = {
    {VMEM_F_ACPI_PXM, "acpi-pxm"},
    {VMEM_F_UNPLUGGED_INACCESSIBLE, "unplugged-inaccessible"},
    {VMEM_F_PERSISTENT_SUSPEND, "persistent-suspend"},
};

/* One moment of a device whose worker runs on. */
struct snapshot {
    const struct vmem *vmem;
    const char *state;
    const char *reason;
    uint64_t target;
    uint64_t plugged;
    uint64_t unmet;
    struct elastic_refusal refusal;
};

static void take_snapshot(const struct vmem *vmem, struct snapshot *now)
{
    enum vmem_activity activity = READ_ONCE(vmem->activity);
    uint64_t plugged = vmem_in_use(vmem), target = vmem_target(vmem);

    *now = (struct snapshot){
        .vmem = vmem,
        .state = activity_names[activity],
        .reason = READ_ONCE(vmem->reason),
        .target = target,
        .plugged = plugged,
        .refusal = vmem->refusal,
    };
    if (!vmem->dev->live) {
        now->state = "not in use";
        now->reason = vmem->dev->fault ? vmem->dev->fault : "reset";
    } else if (vmem->given_up) {
        now->state = "left alone";
    }
    /* What is on its way is not unmet. */
    if (activity == VMEM_WAITING)
        now->unmet = plugged > target ? plugged - target : target - plugged;
}

static void print_size(const char *label, uint64_t bytes)
{
    char size[FORMAT_SIZE_MAX];

    kprintf("  %-16s %10s\n", label, format_size(size, bytes));
}

static void print_unmet(const struct snapshot *now)
{
    const struct elastic_refusal *why = &now->refusal;
    char pinned[FORMAT_SIZE_MAX], kernel[FORMAT_SIZE_MAX], missing[FORMAT_SIZE_MAX];

    print_size("unmet", now->unmet);
    if (why->pinned || why->kernel || why->missing)
        kprintf("  %-16s pinned %s, kernel %s, fits nowhere else %s%s%s\n", "held",
                format_size(pinned, why->pinned), format_size(kernel, why->kernel),
                format_size(missing, why->missing), why->holder ? ", holder " : "",
                why->holder ? why->holder : "");
}

static void print_counts(const struct vmem *vmem)
{
    for (unsigned i = 0; i < VMEM_REQUESTS; i++) {
        uint64_t total = 0;

        for (unsigned j = 0; j < VMEM_ANSWERS; j++)
            total += vmem->count[i][j];
        kprintf("  %-16s %llu", vmem_request_names[i], (unsigned long long)total);
        for (unsigned j = VMEM_ACK + 1; j < VMEM_ANSWERS; j++)
            if (vmem->count[i][j])
                kprintf(", %llu %s", (unsigned long long)vmem->count[i][j],
                        vmem_answer_names[j]);
        kprintf("\n");
    }
}

static void print_table(const struct snapshot *now)
{
    const struct vmem *vmem = now->vmem;
    const struct elastic_region *region = &vmem->region;

    kprintf("%s\n  %-16s %s%s%s\n", vmem->dev->name, "state", now->state,
            now->reason ? ": " : "", now->reason ? now->reason : "");
    kprintf("  %-16s %#llx..%#llx\n", "region", (unsigned long long)region->start,
            (unsigned long long)(region->start + region->size));
    if (region->node >= 0)
        kprintf("  %-16s %10d\n", "node", region->node);
    print_size("size", region->size);
    print_size("usable", vmem->usable);
    print_size("block", region->subblock);
    print_size("requested", now->target);
    print_size("plugged", now->plugged);
    print_unmet(now);
    print_counts(vmem);
    kprintf("  features        ");
    for (unsigned i = 0; i < ARRAY_SIZE(feature_names); i++)
        if (virtio_accepted(vmem->dev, feature_names[i].bit))
            kprintf(" %s", feature_names[i].name);
    kprintf("\n");
}

/* Keys of one device begin with its name up to the blank: "mem0.". */
static int name_length(const struct virtio_device *dev)
{
    int length = 0;

    while (dev->name[length] && dev->name[length] != ' ')
        length++;
    return length;
}

static void print_machine(const struct snapshot *now)
{
    const struct vmem *vmem = now->vmem;
    const char *name = vmem->dev->name;
    int length = name_length(vmem->dev);
    const struct {
        const char *key;
        uint64_t value;
    } values[] = {
        {"start", vmem->region.start},
        {"region_bytes", vmem->region.size},
        {"usable_bytes", vmem->usable},
        {"block_bytes", vmem->region.subblock},
        {"requested_bytes", vmem->requested},
        {"plugged_bytes", now->plugged},
        {"unmet_bytes", now->unmet},
        {"pinned_bytes", now->refusal.pinned},
        {"kernel_bytes", now->refusal.kernel},
        {"missing_bytes", now->refusal.missing},
        {"features", vmem->dev->accepted.word[0]},
        {"resets", vmem->dev->resets},
    };

    kprintf("%.*s.state=%s\n", length, name, now->state);
    kprintf("%.*s.reason=%s\n", length, name, now->reason ? now->reason : "");
    kprintf("%.*s.holder=%s\n", length, name, now->refusal.holder ? now->refusal.holder : "");
    kprintf("%.*s.node=%d\n", length, name, vmem->region.node);
    for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
        kprintf("%.*s.%s=%llu\n", length, name, values[i].key,
                (unsigned long long)values[i].value);
    for (unsigned i = 0; i < VMEM_REQUESTS; i++)
        for (unsigned j = 0; j < VMEM_ANSWERS; j++)
            kprintf("%.*s.%s_%s=%llu\n", length, name, vmem_request_names[i],
                    vmem_answer_names[j], (unsigned long long)vmem->count[i][j]);
}

struct print_job {
    bool machine;
    unsigned found;
    uint64_t requested;
    uint64_t plugged;
    uint64_t unmet;
};

static void print_device(struct virtio_device *dev, void *arg)
{
    struct print_job *job = arg;
    struct snapshot now;

    if (dev->device_id != VIRTIO_ID_MEM)
        return;
    job->found++;
    /* No reset may come between: the lock is the one that it takes. */
    mutex_lock(&dev->lock);
    if (!dev->driver_data) {
        kprintf("%s: not in use: %s\n", dev->name, dev->fault);
    } else {
        take_snapshot(dev->driver_data, &now);
        job->requested += now.target;
        job->plugged += now.plugged;
        job->unmet += now.unmet;
        if (job->machine)
            print_machine(&now);
        else
            print_table(&now);
    }
    mutex_unlock(&dev->lock);
}

static int run_vmem(int argc, char **argv)
{
    struct print_job job = {.machine = shell_wants_machine(argc, argv)};

    virtio_for_each(print_device, &job);
    if (!job.found) {
        kprintf("no memory device\n");
        return -ENODEV;
    }
    if (job.machine)
        kprintf("devices=%u\nrequested_bytes=%llu\nplugged_bytes=%llu\nunmet_bytes=%llu\n",
                job.found, (unsigned long long)job.requested, (unsigned long long)job.plugged,
                (unsigned long long)job.unmet);
    return 0;
}

SHELL_COMMAND(vmem, "vmem [--machine]", "show memory devices and their sizes", run_vmem);
