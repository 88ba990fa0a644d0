/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests: every way from one state of a subblock to another. Each pair is tried; what that
 * leads to is in the table.
 */
#include "subblock.h"

/* Where an attempt leads: to the state that was wanted, or why not. */
struct outcome {
    enum state then;
    const char *how;
};

/* clang-format off */
static const struct outcome table[STATES][STATES] = {
    [UNPLUGGED] = {
        [FREE_WARM] = {FREE_REPORTED, "what was just plugged is not backed: it counts as reported"},
        [FREE_REPORTED] = {FREE_REPORTED, "plug"},
        [REPORTING] = {UNPLUGGED, "no memory"}, [LENT] = {UNPLUGGED, "no memory"},
        [USED] = {UNPLUGGED, "no memory"}, [PINNED] = {UNPLUGGED, "no memory"},
        [KERNEL] = {UNPLUGGED, "no memory"}, [LONG] = {UNPLUGGED, "no memory"},
    },
    [FREE_WARM] = {
        [UNPLUGGED] = {UNPLUGGED, "unplug"},
        [FREE_REPORTED] = {FREE_REPORTED, "flush"},
        [REPORTING] = {REPORTING, "flush"},
        [LENT] = {LENT, "inflate"},
        [USED] = {USED, "touch"},
        [PINNED] = {PINNED, "a pin fills in what was never touched"},
        [KERNEL] = {KERNEL, "claim"},
        [LONG] = {FREE_WARM, "a long pin leaves elastic memory"},
    },
    [FREE_REPORTED] = {
        [UNPLUGGED] = {UNPLUGGED, "unplug"},
        [FREE_WARM] = {FREE_WARM, "the reporting device leaves"},
        [REPORTING] = {FREE_REPORTED, "nothing is told twice"},
        [LENT] = {LENT, "inflate"},
        [USED] = {USED, "touch"},
        [PINNED] = {PINNED, "a pin fills in what was never touched"},
        [KERNEL] = {KERNEL, "claim"},
        [LONG] = {FREE_WARM, "a long pin leaves elastic memory, after it was touched there"},
    },
    [REPORTING] = {
        [UNPLUGGED] = {UNPLUGGED, "unplug waits for the answer"},
        [FREE_WARM] = {FREE_WARM, "the device failed"},
        [FREE_REPORTED] = {FREE_REPORTED, "the answer"},
        [LENT] = {LENT, "inflate waits for the answer"},
        [USED] = {REPORTING, "a touch takes what is free elsewhere"},
        [PINNED] = {REPORTING, "a touch takes what is free elsewhere"},
        [KERNEL] = {KERNEL, "a claim waits for the answer"},
        [LONG] = {REPORTING, "a touch takes what is free elsewhere"},
    },
    [LENT] = {
        [UNPLUGGED] = {UNPLUGGED, "unplug asks the lender"},
        [FREE_WARM] = {FREE_WARM, "deflate"},
        [FREE_REPORTED] = {LENT, "not free"}, [REPORTING] = {LENT, "not free"},
        [USED] = {LENT, "not free"}, [PINNED] = {LENT, "not free"},
        [KERNEL] = {KERNEL, "a claim asks the lender"},
        [LONG] = {LENT, "not free"},
    },
    [USED] = {
        [UNPLUGGED] = {UNPLUGGED, "unplug moves it"},
        [FREE_WARM] = {FREE_WARM, "discard"},
        [FREE_REPORTED] = {USED, "not free"}, [REPORTING] = {USED, "not free"},
        [LENT] = {USED, "not free"},
        [PINNED] = {PINNED, "short pin"},
        [KERNEL] = {USED, "what lives there would need other elastic memory"},
        [LONG] = {FREE_WARM, "a long pin moves it out first"},
    },
    [PINNED] = {
        [UNPLUGGED] = {PINNED, "refused, the holder is named"},
        [FREE_WARM] = {PINNED, "a discard keeps the page: the device has it"},
        [FREE_REPORTED] = {PINNED, "not free"}, [REPORTING] = {PINNED, "not free"},
        [LENT] = {PINNED, "not free"},
        [USED] = {USED, "unpin"},
        [KERNEL] = {PINNED, "cannot move"},
        [LONG] = {PINNED, "cannot move out while the short pin lasts"},
    },
    [KERNEL] = {
        [UNPLUGGED] = {KERNEL, "refused, the kernel reserve is named"},
        [FREE_WARM] = {FREE_WARM, "free and release"},
        [FREE_REPORTED] = {KERNEL, "not free"}, [REPORTING] = {KERNEL, "not free"},
        [LENT] = {KERNEL, "not free"}, [USED] = {KERNEL, "not free"},
        [PINNED] = {KERNEL, "not free"},
        [LONG] = {LONG, "long pin"},
    },
    [LONG] = {
        [UNPLUGGED] = {LONG, "refused, the kernel reserve is named"},
        [FREE_WARM] = {LONG, "to free what is pinned is a bug: panic"},
        [FREE_REPORTED] = {LONG, "not free"}, [REPORTING] = {LONG, "not free"},
        [LENT] = {LONG, "not free"}, [USED] = {LONG, "not free"},
        [PINNED] = {LONG, "not free"},
        [KERNEL] = {KERNEL, "unpin"},
    },
};
/* clang-format on */

static struct memory_stats base;

/* Each of its bytes is counted once, and nothing else is counted as if it were there. */
static void check_counts(enum state state)
{
    const bool kernel = state == KERNEL || state == LONG;
    struct memory_stats now;

    memory_stats_get(&now);
    CHECK_EQ(now.total - base.total, state == UNPLUGGED ? 0 : SUBBLOCK);
    CHECK_EQ(now.elastic - base.elastic, state == UNPLUGGED ? 0 : SUBBLOCK);
    CHECK_EQ(now.elastic_free, state == FREE_WARM || state == FREE_REPORTED ? SUBBLOCK : 0);
    CHECK_EQ(now.reported, state == FREE_REPORTED ? SUBBLOCK : 0);
    CHECK_EQ(buddy.isolated[WARM] << PAGE_SHIFT, state == REPORTING ? SUBBLOCK : 0);
    CHECK_EQ(now.ballooned, state == LENT ? SUBBLOCK : 0);
    CHECK_EQ(now.kernel_reserve, kernel ? SUBBLOCK : 0);
    CHECK_EQ(now.movable - base.movable, area_block(0) ? LARGE_SIZE : 0);
}

static void check_state(enum state state)
{
    CHECK_EQ(subblock_state(), state);
    check_counts(state);
    if (area_block(0) && *area_word(0))
        area_check(0, LARGE_PAGES);
    plug_check(&subblock_plug);
    space_check();
}

/* From unplugged to any state. */
static void reach(enum state state)
{
    static const enum state before[STATES] = {
        [FREE_WARM] = USED,       [FREE_REPORTED] = UNPLUGGED,
        [REPORTING] = FREE_WARM,  [LENT] = FREE_REPORTED,
        [USED] = FREE_REPORTED,   [PINNED] = USED,
        [KERNEL] = FREE_REPORTED, [LONG] = KERNEL,
    };

    if (state != UNPLUGGED) {
        reach(before[state]);
        subblock_attempts[state](before[state]);
    }
    check_state(state);
}

TEST_CASES(transitions_of_a_subblock, STATES *STATES)
{
    const enum state from = test_case / STATES, to = test_case % STATES;
    const struct outcome *outcome = &table[from][to];

    if (from == to)
        return;
    CHECK(outcome->how != NULL);
    subblock_start();
    memory_stats_get(&base);
    reach(from);
    subblock_attempts[to](from);
    if (from == LONG && to == FREE_WARM)
        return; /* it panicked */
    check_state(outcome->then);
}
