/* SPDX-License-Identifier: BSD-2-Clause */
/* What QEMU says of a guest's memory, checked, and how it is told to change it. */
#ifndef NEAP_TOOL_MACHINE_H
#define NEAP_TOOL_MACHINE_H

#include "guest.h"
#include "plan.h"

#define STATS_SECONDS 1 /* how often QEMU asks the guest for statistics */
#define STATS_OLD     5 /* seconds after which they say nothing any more */

struct figures {
    char state[24]; /* QEMU's word: running, paused, ... */
    struct shape shape;
    uint64_t balloon;   /* bytes that the balloon leaves of boot memory */
    uint64_t plugged;   /* bytes that virtio-mem has plugged */
    uint64_t requested; /* bytes that it shall have */
    bool stats;         /* the guest's own figures are there and fresh: */
    uint64_t total, free;
    int64_t stamp; /* when the guest gave them, in seconds */
};

static inline uint64_t figures_granted(const struct figures *figures)
{
    return figures->balloon + figures->plugged;
}

/* Ask QEMU. Returns 0 or -1. */
int machine_query(struct qmp *qmp, const struct guest *guest, struct figures *figures,
                  struct error *error);

/* Set both targets. Returns 0 or -1. */
int machine_request(struct qmp *qmp, const struct figures *figures, const struct plan *plan,
                    struct error *error);

/* Let QEMU ask for statistics from now on. Returns 0 or -1. */
int machine_poll_stats(struct qmp *qmp, struct error *error);

/* Both in one session of their own. */
int machine_look(const struct guest *guest, int timeout_ms, struct figures *figures,
                 struct error *error);
int machine_change(const struct guest *guest, int timeout_ms, const struct figures *figures,
                   const struct plan *plan, struct error *error);

#endif
