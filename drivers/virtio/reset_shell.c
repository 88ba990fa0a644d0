/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shell command `reset`: a device through reset and probe, as after misbehaviour, but not
 * counted as such.
 */
#include "internal.h"
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/shell.h>
#include <string.h>

struct reset_job {
    const char *name; /* up to the blank: "mem0" */
    bool found;
};

static void reset_device(struct virtio_device *dev, void *arg)
{
    struct reset_job *job = arg;
    size_t length = strlen(job->name);

    if (strncmp(dev->name, job->name, length) != 0 || dev->name[length] != ' ' || !dev->driver)
        return;
    job->found = true;
    (void)virtio_restart(dev);
}

static int run_reset(int argc, char **argv)
{
    struct reset_job job = {.name = argc > 1 ? argv[1] : NULL};

    if (!job.name)
        return -EINVAL;
    virtio_for_each(reset_device, &job);
    if (!job.found) {
        kprintf("reset: no device %s in use; `devices` lists them\n", job.name);
        return -ENODEV;
    }
    return 0;
}
SHELL_COMMAND(reset, "reset <device>", "reset a virtio device and set it up again", run_reset);
