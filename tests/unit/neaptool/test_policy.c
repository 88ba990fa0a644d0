/* SPDX-License-Identifier: BSD-2-Clause */
/* The rule of autosize, by itself and on loads that were recorded. */
#include "policy.h"
#include "support.h"

static struct policy fresh(uint64_t min, uint64_t max)
{
    return (struct policy){
        .min = min,
        .max = max,
        .block = 2 * MIB,
        .target = POLICY_TARGET,
        .quiet = POLICY_QUIET,
    };
}

static struct policy_decision decide(struct policy *policy, int64_t stamp, uint64_t used,
                                     uint64_t size)
{
    struct policy_sample sample = {
        .stamp = stamp,
        .total = size,
        .free = used < size ? size - used : 0,
        .size = size,
    };

    return policy_decide(policy, &sample);
}

TEST(policy_grows_before_memory_is_out)
{
    struct policy policy = fresh(64 * MIB, 8 * GIB);
    struct policy_decision decision = decide(&policy, 1, 50 * MIB, 64 * MIB);

    CHECK_EQ(decision.action, POLICY_KEEP);
    decision = decide(&policy, 2, 57 * MIB, 64 * MIB);
    CHECK_EQ(decision.action, POLICY_GROW);
    CHECK_EQ(decision.size, 106 * MIB); /* a quarter free beside 57 MiB and three rises of 7 */
    CHECK_EQ(decision.size % policy.block, 0);
}

TEST(policy_reckons_with_the_rise)
{
    struct policy policy = fresh(64 * MIB, 8 * GIB);

    CHECK_EQ(decide(&policy, 1, 10 * MIB, 64 * MIB).action, POLICY_KEEP);
    CHECK_EQ(decide(&policy, 2, 40 * MIB, 64 * MIB).action, POLICY_GROW);
    policy = fresh(64 * MIB, 8 * GIB);
    CHECK_EQ(decide(&policy, 1, 40 * MIB, 64 * MIB).action, POLICY_KEEP);
}

TEST(policy_ignores_statistics_it_has_seen)
{
    struct policy policy = fresh(64 * MIB, 8 * GIB);

    CHECK_EQ(decide(&policy, 1, 40 * MIB, 64 * MIB).action, POLICY_KEEP);
    CHECK_EQ(decide(&policy, 1, 63 * MIB, 64 * MIB).action, POLICY_KEEP);
    CHECK_EQ(policy.count, 1);
}

TEST(policy_stops_at_max_and_says_so)
{
    struct policy policy = fresh(64 * MIB, 128 * MIB);
    struct policy_decision decision = decide(&policy, 1, 120 * MIB, 124 * MIB);

    CHECK_EQ(decision.action, POLICY_GROW);
    CHECK_EQ(decision.size, 128 * MIB);
    decision = decide(&policy, 2, 124 * MIB, 128 * MIB);
    CHECK_EQ(decision.action, POLICY_KEEP);
    CHECK(decision.short_of);
    CHECK(!decide(&policy, 3, 20 * MIB, 128 * MIB).short_of);
}

TEST(policy_shrinks_after_the_quiet_time_to_its_peak)
{
    struct policy policy = fresh(64 * MIB, 8 * GIB);
    struct policy_decision decision;
    int64_t second = 100;

    for (; second < 100 + POLICY_QUIET; second++)
        CHECK_EQ(decide(&policy, second, (second < 105 ? 300 : 20) * MIB, GIB).action,
                 POLICY_KEEP);
    decision = decide(&policy, second, 20 * MIB, GIB);
    CHECK_EQ(decision.action, POLICY_SHRINK);
    CHECK_EQ(decision.size, 402 * MIB);
    for (second++; second < 120; second++)
        CHECK_EQ(decide(&policy, second, 20 * MIB, 402 * MIB).action, POLICY_KEEP);
    decision = decide(&policy, second, 20 * MIB, 402 * MIB);
    CHECK_EQ(decision.action, POLICY_SHRINK);
    CHECK_EQ(decision.size, 64 * MIB);
}

/* What rose once may rise again: what that needs is kept for the quiet time. */
TEST(policy_keeps_room_for_the_rise_it_has_seen)
{
    struct policy policy = fresh(64 * MIB, 8 * GIB);

    for (int64_t second = 0; second < 40; second++) {
        uint64_t used = (second % 5 == 4 ? 200 : 20) * MIB;

        CHECK_EQ(decide(&policy, second, used, GIB).action, POLICY_KEEP);
    }
}

TEST(policy_leaves_small_gains_alone)
{
    struct policy policy = fresh(64 * MIB, 8 * GIB);

    for (int64_t second = 0; second < 60; second++)
        CHECK_EQ(decide(&policy, second, 680 * MIB, GIB).action, POLICY_KEEP);
}

TEST(policy_comes_back_into_its_limits)
{
    struct policy policy = fresh(64 * MIB, 128 * MIB);
    struct policy_decision decision = decide(&policy, 1, MIB, 32 * MIB);

    CHECK_EQ(decision.action, POLICY_GROW);
    CHECK_EQ(decision.size, 64 * MIB);
    policy = fresh(64 * MIB, 128 * MIB);
    decision = decide(&policy, 1, 500 * MIB, GIB);
    CHECK_EQ(decision.action, POLICY_SHRINK);
    CHECK_EQ(decision.size, 128 * MIB);
}

TEST(policy_without_quiet_time_decides_at_once)
{
    struct policy policy = fresh(64 * MIB, 8 * GIB);

    policy.quiet = 0;
    CHECK_EQ(decide(&policy, 1, MIB, GIB).size, 64 * MIB);
}

struct outcome {
    unsigned changes, shortages;
    uint64_t largest, last;
};

/* The guest has the size that was asked for a second later, as with real devices. */
static struct outcome replay(const struct load *load, uint64_t min, uint64_t max, unsigned from)
{
    struct policy policy = fresh(min, max);
    struct outcome outcome = {.largest = min};
    uint64_t asked = min, has = min;

    for (unsigned second = 0; second < load->seconds; second++) {
        uint64_t wants = load->kib[second] * KIB, used = MIN(wants, has);
        struct policy_sample sample = {second + 1, has, has - used, asked};
        struct policy_decision decision;

        outcome.shortages += second >= from && wants > has;
        has = asked;
        if (sample.total < used)
            continue;
        decision = policy_decide(&policy, &sample);
        if (decision.action == POLICY_KEEP)
            continue;
        CHECK(decision.size >= min && decision.size <= max && decision.size != asked);
        CHECK_EQ(decision.action == POLICY_GROW, decision.size > asked);
        asked = decision.size;
        outcome.changes++;
        outcome.largest = MAX(outcome.largest, asked);
    }
    outcome.last = asked;
    unit_note("%s: %u changes, %u shortages, %llu MiB at most", load->name, outcome.changes,
              outcome.shortages, (unsigned long long)(outcome.largest / MIB));
    return outcome;
}

TEST(policy_follows_a_recorded_ramp)
{
    struct outcome outcome = replay(&load_ramp, 32 * MIB, 512 * MIB, 0);

    CHECK_EQ(outcome.shortages, 0);
    CHECK(outcome.changes <= 12);
    CHECK(outcome.largest < 384 * MIB);
    CHECK_EQ(outcome.last, 32 * MIB);
}

/* The first wave comes faster than any rule can know; the others find what it needed. */
TEST(policy_rides_recorded_waves)
{
    struct outcome outcome = replay(&load_waves, 32 * MIB, 512 * MIB, 4);

    CHECK_EQ(outcome.shortages, 0);
    CHECK(outcome.changes <= 6);
    CHECK_EQ(outcome.last, 32 * MIB);
}

TEST(policy_serves_recorded_requests)
{
    struct outcome outcome = replay(&load_requests, 64 * MIB, 512 * MIB, 0);

    CHECK_EQ(outcome.shortages, 0);
    CHECK(outcome.changes <= 8);
    CHECK_EQ(outcome.last, 64 * MIB);
}

TEST_CASES(policy_stays_sane_on_random_loads, 8)
{
    unsigned kib[600], level = 0;
    struct load load = {"random", kib, ARRAY_SIZE(kib)};

    for (unsigned i = 0; i < ARRAY_SIZE(kib); i++) {
        if (unit_random_below(8) == 0)
            level = (unsigned)unit_random_below(1 << (10 + unit_random_below(11)));
        kib[i] = level;
    }
    replay(&load, 30 * MIB + 4 * KIB, GIB, 0);
}
