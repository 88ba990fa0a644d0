/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dirty log of an IFC VF: the device sets a bit for each page of 4 KiB that it writes to,
 * in memory that it is told. The shell command `ifcvf` shows it.
 */
#include "ifcvf.h"
#include <arch/barrier.h>
#include <arch/mmio.h>
#include <neap/alloc.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/page.h>
#include <neap/shell.h>
#include <string.h>

/* The log is 2 MiB long and so covers the first 64 GiB; the device leaves out what is behind.
 */
#define LOG_ORDER 9
#define LOG_BYTES (PAGE_SIZE << LOG_ORDER)

static void write64(volatile uint8_t *reg, uint64_t value)
{
    mmio_write32(reg, (uint32_t)value);
    mmio_write32(reg + 4, (uint32_t)(value >> 32));
}

void ifcvf_log_resume(struct ifcvf *vf)
{
    uint64_t start;

    if (!vf->log)
        return;
    start = page_to_phys(vf->log);
    write64(vf->lm + LM_LOG_START, start);
    write64(vf->lm + LM_LOG_END, start + LOG_BYTES);
    mmio_write32(vf->lm + LM_CONTROL, LM_CONTROL_VF);
}

static int log_start(struct ifcvf *vf)
{
    if (vf->log)
        return -EALREADY;
    vf->log = alloc_pages(LOG_ORDER, PAGE_KERNEL, ALLOC_ZERO);
    if (!vf->log)
        return -ENOMEM;
    ifcvf_log_resume(vf);
    return 0;
}

static int log_stop(struct ifcvf *vf)
{
    if (!vf->log)
        return -EALREADY;
    mmio_write32(vf->lm + LM_CONTROL, LM_CONTROL_OFF);
    /* A read brings back what the device still had on its way. */
    (void)mmio_read32(vf->lm + LM_CONTROL);
    free_pages(vf->log, LOG_ORDER);
    vf->log = NULL;
    return 0;
}

uint64_t ifcvf_log_pages(const struct ifcvf *vf)
{
    const uint64_t *word = vf->log ? page_to_virt(vf->log) : NULL;
    uint64_t pages = 0;

    barrier_read();
    for (uint64_t i = 0; word && i < LOG_BYTES / sizeof(*word); i++)
        for (uint64_t left = READ_ONCE(word[i]); left; left &= left - 1)
            pages++;
    return pages;
}

struct ifcvf_job {
    bool machine;
    const char *name; /* up to the blank: "net0"; NULL: show all */
    int (*change)(struct ifcvf *vf);
    unsigned found;
    int error;
};

static void show(const struct ifcvf *vf, bool machine)
{
    const char *name = vf->pci.dev.name;
    int length = (int)strcspn(name, " ");

    if (machine)
        kprintf("%.*s_lm_bytes=%llu\n%.*s_pair_stride=%u\n%.*s_log=%u\n%.*s_dirty_pages=%llu\n",
                length, name, (unsigned long long)vf->lm_bytes, length, name, vf->pair_stride,
                length, name, vf->log != NULL, length, name,
                (unsigned long long)ifcvf_log_pages(vf));
    else
        kprintf("  %-24s %llu bytes of registers for live migration, log %s, %llu pages "
                "written\n",
                name, (unsigned long long)vf->lm_bytes, vf->log ? "on" : "off",
                (unsigned long long)ifcvf_log_pages(vf));
}

static void visit(struct virtio_device *dev, void *arg)
{
    struct ifcvf_job *job = arg;
    struct ifcvf *vf = ifcvf_of(dev);
    size_t length = job->name ? strlen(job->name) : 0;

    if (!vf ||
        (job->name && (strncmp(dev->name, job->name, length) != 0 || dev->name[length] != ' ')))
        return;
    job->found++;
    mutex_lock(&dev->lock);
    if (!job->change)
        show(vf, job->machine);
    else
        job->error = vf->lm ? job->change(vf) : -ENOTSUP;
    mutex_unlock(&dev->lock);
}

static int run_ifcvf(int argc, char **argv)
{
    struct ifcvf_job job = {.machine = shell_wants_machine(argc, argv)};

    if (argc > 1 && !job.machine) {
        if (argc != 3)
            return -EINVAL;
        job.name = argv[1];
        job.change = !strcmp(argv[2], "on") ? log_start : log_stop;
        if (job.change == log_stop && strcmp(argv[2], "off") != 0)
            return -EINVAL;
    }
    virtio_for_each(visit, &job);
    if (job.found)
        return job.error;
    kprintf("ifcvf: no such IFC VF; `devices` lists what there is\n");
    return -ENODEV;
}
SHELL_COMMAND(ifcvf, "ifcvf [--machine] | <device> on|off",
              "show IFC VFs; log which pages one writes to", run_ifcvf);
