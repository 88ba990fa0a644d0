/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Elastic memory: memory that a device plugs and unplugs by subblock while the guest runs.
 *
 * mm knows no device. A driver registers the device's region, tells which subblocks are
 * plugged, and asks for subblocks that may go. mm chooses them: free ones first, then those
 * that are cheapest to evacuate, the highest address first among equals.
 *
 * Lock: mm_mutex (LOCK_RANK_MM) inside; the driver may hold its own (LOCK_RANK_DRIVER).
 */
#ifndef NEAP_ELASTIC_H
#define NEAP_ELASTIC_H

#include <arch/boot.h>
#include <neap/list.h>
#include <stdbool.h>
#include <stdint.h>

struct elastic_region {
    /* set by the driver before elastic_register() */
    const char *name;
    uint64_t start;    /* bytes, aligned to the subblock */
    uint64_t size;     /* bytes, a multiple of the subblock */
    uint64_t subblock; /* bytes, a power of two, 1 MiB at least */
    int node;          /* NUMA node, -1: not known */
    /*
     * Memory became free, a pin was dropped, or memory is short: look again at what was
     * refused, or whether the host grants more. Any context, spinlocks held: only wake
     * something.
     */
    void (*changed)(struct elastic_region *self);
    /* mm's own */
    struct list link;
    uint64_t *plugged_map; /* bit per subblock: in use by mm */
    uint64_t plugged;      /* subblocks in use by mm */
    uint32_t *holders;     /* by elastic block: the subblock with its frame arrays */
};

/*
 * Take a region over; nothing of it is plugged yet. Costs a bit per subblock. Returns 0;
 * -EINVAL: unaligned, empty, beyond what the frame links can name, or overlapping boot memory
 * or another region (logged with both ranges); -ENOMEM. Thread context.
 */
int elastic_register(struct elastic_region *region);

/* Forget a region of which nothing is plugged. Thread context. */
void elastic_unregister(struct elastic_region *region);

/*
 * The subblocks of `range` are plugged now: map them and hand them out. Returns 0, or -ENOMEM
 * with nothing changed: the driver unplugs them again. Thread context.
 */
int elastic_add(struct elastic_region *region, const struct phys_range *range);

/* Why elastic_take() got less than asked. */
struct elastic_refusal {
    uint64_t missing;   /* bytes that live data would need elsewhere, 0: not the reason */
    uint64_t pinned;    /* bytes in subblocks held by pins */
    uint64_t kernel;    /* bytes in subblocks held by the kernel reserve */
    const char *holder; /* one of the owners, or NULL */
};

/*
 * Make one run of at most `max_subblocks` adjacent subblocks empty and take it out of use: on
 * return 0 nobody holds, maps or reaches `taken`, and the driver may unplug it. Takes at least
 * one subblock, or returns -EBUSY (held by pins or the kernel) or -ENOMEM (live data fits
 * nowhere else) with `why` filled in. -ECANCELED: *cancel became true. Thread context; may take
 * long.
 */
int elastic_take(struct elastic_region *region, uint64_t max_subblocks,
                 struct phys_range *taken, struct elastic_refusal *why, const bool *cancel);

/* The device refused to unplug: `range` (or part of what was taken) is usable again. Thread
 * context. */
void elastic_put_back(struct elastic_region *region, const struct phys_range *range);

/* The device has unplugged `range`: only the bookkeeping is left to do. Thread context. */
void elastic_removed(struct elastic_region *region, const struct phys_range *range);

/* Bytes plugged, and of them free or reported. Thread context. */
void elastic_stats(struct elastic_region *region, uint64_t *plugged, uint64_t *free);

/* A pin was dropped or memory is no longer promised: who was refused looks again. Any context.
 */
void elastic_look_again(void);

/* An allocation failed: who can plug more looks whether the host grants it. Any context. */
void elastic_note_shortage(void);

/* The lowest run of at most `max_subblocks` adjacent unplugged subblocks below `limit`. */
bool elastic_find_unplugged(struct elastic_region *region, uint64_t limit,
                            uint64_t max_subblocks, struct phys_range *found);

#endif
