/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine keeps what the kernel promises, or tests fail for no fault of the code.
 */
#include "shim.h"
#include "unit.h"
#include <errno.h>
#include <neap/wait.h>

static struct waitqueue queue = WAITQUEUE_INIT(queue, "a test");
static unsigned looks;

/* A condition that becomes true, with a wake-up, while it is being looked at. */
static bool true_from_the_second_look(void *arg UNUSED)
{
    wake_all(&queue);
    return ++looks > 1;
}

TEST(shim_wait_keeps_an_early_wakeup)
{
    CHECK_EQ(wait_until(&queue, true_from_the_second_look, NULL, WAIT_FOREVER), 0);
    CHECK_EQ(looks, 2);
}

static bool never(void *arg UNUSED)
{
    looks++;
    return false;
}

/* A wake-up counts once: the clock moves, and the wait ends. */
TEST(shim_wait_times_out)
{
    uint64_t start = shim_clock_ns;

    CHECK_EQ(wait_until(&queue, never, NULL, 1000), -ETIMEDOUT);
    CHECK_EQ(shim_clock_ns - start, 1000);
    CHECK_EQ(looks, 2);
}
