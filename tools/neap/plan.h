/* SPDX-License-Identifier: BSD-2-Clause */
/* How a guest comes to a size: by its balloon below boot memory, by virtio-mem above. */
#ifndef NEAP_TOOL_PLAN_H
#define NEAP_TOOL_PLAN_H

#include "error.h"
#include <stdbool.h>
#include <stdint.h>

#define ELASTIC_BLOCK (UINT64_C(2) << 20) /* what neap run asks of virtio-mem */
#define BALLOON_PAGE  UINT64_C(4096)

/* What a guest's machine can do. */
struct shape {
    uint64_t boot;    /* bytes it was started with */
    uint64_t elastic; /* bytes that virtio-mem can add, 0: no such device */
    uint64_t block;   /* of that device: a power of two */
};

struct plan {
    uint64_t size;      /* boot memory - ballooned + plugged */
    uint64_t balloon;   /* what the balloon leaves of boot memory: QMP's `balloon` */
    uint64_t requested; /* virtio-mem's `requested-size` */
};

/*
 * Plan for `size` bytes. What the devices cannot do exactly is rounded up: plan->size tells.
 * Returns 0, or -1 where the machine cannot have that size.
 */
int plan_size(const struct shape *shape, uint64_t size, struct plan *plan, struct error *error);

#endif
