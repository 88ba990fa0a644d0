/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rule of `neap autosize`, as a pure function of what the guest's statistics say.
 *
 * used    = total - free, both of the same statistics.
 * rise    = how much `used` grew since the statistics before, if it did.
 * demand  = used + 3 rises.
 * need    = the size at which `target` percent would be free, but at least POLICY_HEADROOM,
 *           rounded up to blocks, within min and max.
 *
 * Grow    at once, when after two more such rises less than half of the target would be free
 *         (statistics are a second old, and the guest needs another to take what it is
 *         given): to the need of the demand.
 * Shrink  when nothing changed for `quiet` seconds: to the need of the largest demand in that
 *         time, if that gives back at least an eighth of the size.
 *
 * Between half of the target and the target nothing happens: a load that goes up and down
 * within it, or that returns within the quiet time, does not make the size swing.
 */
#ifndef NEAP_TOOL_POLICY_H
#define NEAP_TOOL_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#define POLICY_HEADROOM (UINT64_C(8) << 20)
#define POLICY_QUIET    10 /* seconds, usually */
#define POLICY_TARGET   25 /* percent, usually */
#define POLICY_SAMPLES  32

struct policy {
    /* set by the caller; all else zero at first */
    uint64_t min, max, block; /* bytes */
    unsigned target;          /* percent of the size that shall be free: 1 .. 90 */
    unsigned quiet;           /* seconds, less than POLICY_SAMPLES */
    /* the policy's own */
    unsigned count;  /* statistics seen */
    uint64_t used;   /* as the latest ones said */
    int64_t changed; /* second of the last change, or of the first statistics */
    struct {
        int64_t stamp;
        uint64_t demand;
    } seen[POLICY_SAMPLES]; /* the latest ones, as a ring */
};

struct policy_sample {
    int64_t stamp;        /* second of the statistics */
    uint64_t total, free; /* bytes, as they say */
    uint64_t size;        /* bytes that the guest has been asked to have */
};

enum policy_action { POLICY_KEEP, POLICY_GROW, POLICY_SHRINK };

struct policy_decision {
    enum policy_action action;
    uint64_t size; /* to ask for, unless the action is POLICY_KEEP */
    bool short_of; /* it would grow further, but for max */
};

/* Decide on new statistics; those with a stamp that was seen before change nothing. */
struct policy_decision policy_decide(struct policy *policy, const struct policy_sample *sample);

#endif
