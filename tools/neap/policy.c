/* SPDX-License-Identifier: BSD-2-Clause */
/* The rule of `neap autosize`; policy.h states it. */
#include "policy.h"
#include <neap/compiler.h>

/* The size at which `percent` of it is free beside `used`. */
static uint64_t size_with_free(uint64_t used, unsigned percent, uint64_t at_least)
{
    uint64_t free = (used / (100 - percent) + 1) * percent;

    return used + MAX(free, at_least);
}

static uint64_t need(const struct policy *policy, uint64_t used)
{
    uint64_t size = size_with_free(used, policy->target, POLICY_HEADROOM);

    size = (size + policy->block - 1) / policy->block * policy->block;
    return MIN(MAX(size, policy->min), policy->max);
}

/* Returns how much `used` has grown since the statistics before. */
static uint64_t rise_to(const struct policy *policy, uint64_t used)
{
    return policy->count && used > policy->used ? used - policy->used : 0;
}

static void remember(struct policy *policy, int64_t stamp, uint64_t used, uint64_t demand)
{
    unsigned slot = policy->count++ % POLICY_SAMPLES;

    policy->used = used;
    policy->seen[slot].stamp = stamp;
    policy->seen[slot].demand = demand;
}

/* The largest demand of the quiet time. */
static uint64_t peak(const struct policy *policy, int64_t now)
{
    unsigned known = MIN(policy->count, POLICY_SAMPLES);
    uint64_t largest = 0;

    for (unsigned i = 0; i < known; i++) {
        if (policy->seen[i].stamp >= now - policy->quiet)
            largest = MAX(largest, policy->seen[i].demand);
    }
    return largest;
}

static struct policy_decision change_to(struct policy *policy,
                                        const struct policy_sample *sample, uint64_t size)
{
    policy->changed = sample->stamp;
    return (struct policy_decision){
        .action = size > sample->size ? POLICY_GROW : POLICY_SHRINK,
        .size = size,
    };
}

struct policy_decision policy_decide(struct policy *policy, const struct policy_sample *sample)
{
    uint64_t used = sample->total - sample->free;
    uint64_t rise = rise_to(policy, used), demand = used + 3 * rise, wanted;
    unsigned newest = (policy->count - 1) % POLICY_SAMPLES;

    if (policy->count && policy->seen[newest].stamp == sample->stamp)
        return (struct policy_decision){.action = POLICY_KEEP};
    if (policy->count == 0)
        policy->changed = sample->stamp;
    remember(policy, sample->stamp, used, demand);
    if (sample->size < policy->min)
        return change_to(policy, sample, need(policy, demand));
    if (sample->size > policy->max)
        return change_to(policy, sample, policy->max);
    if (size_with_free(used + 2 * rise, policy->target / 2, POLICY_HEADROOM / 2) >
        sample->size) {
        wanted = need(policy, demand);
        if (wanted > sample->size)
            return change_to(policy, sample, wanted);
        return (struct policy_decision){.action = POLICY_KEEP,
                                        .short_of = sample->size == policy->max};
    }
    wanted = need(policy, peak(policy, sample->stamp));
    if (sample->stamp - policy->changed >= policy->quiet &&
        wanted + sample->size / 8 <= sample->size)
        return change_to(policy, sample, wanted);
    return (struct policy_decision){.action = POLICY_KEEP};
}
