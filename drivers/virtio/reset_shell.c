/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shell command `reset`: a device through reset and probe, as after misbehaviour, but not
 * counted as such; or through a reset that its driver does not notice.
 */
#include "internal.h"
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/shell.h>
#include <string.h>

struct reset_job {
    const char *name; /* up to the blank: "mem0" */
    bool keep;
    bool found;
    int error;
};

static void reset_device(struct virtio_device *dev, void *arg)
{
    struct reset_job *job = arg;
    size_t length = strlen(job->name);

    if (strncmp(dev->name, job->name, length) != 0 || dev->name[length] != ' ' || !dev->driver)
        return;
    job->found = true;
    job->error = job->keep ? virtio_renew(dev) : virtio_restart(dev);
}

static int run_reset(int argc, char **argv)
{
    struct reset_job job = {.name = argc > 1 ? argv[1] : NULL};

    job.keep = argc == 3 && !strcmp(argv[2], "keep");
    if (argc != (job.keep ? 3 : 2))
        return -EINVAL;
    virtio_for_each(reset_device, &job);
    if (!job.found) {
        kprintf("reset: no device %s in use; `devices` lists them\n", job.name);
        return -ENODEV;
    }
    if (job.error == -ENOTSUP && job.keep)
        kprintf("reset: %s cannot keep its queues; without `keep` it starts anew\n", job.name);
    return job.error;
}
SHELL_COMMAND(reset, "reset <device> [keep]",
              "reset a virtio device and set it up again; keep: queues and what is in flight",
              run_reset);
