/* SPDX-License-Identifier: BSD-2-Clause */
/* Injected allocation failures, so that tests reach every error path. */
#include "internal.h"
#include <neap/panic.h>

static struct {
    uint64_t countdown; /* 0: off */
    uint64_t every;
} injection;

void alloc_inject_failure(uint64_t n, uint64_t every)
{
    injection.every = every;
    __atomic_store_n(&injection.countdown, n, __ATOMIC_RELEASE);
}

bool failpoint_hit(void)
{
    uint64_t left;

    if (!DEBUG_BUILD)
        return false;
    left = __atomic_load_n(&injection.countdown, __ATOMIC_ACQUIRE);
    while (left) {
        uint64_t next = left == 1 ? injection.every : left - 1;

        if (__atomic_compare_exchange_n(&injection.countdown, &left, next, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return left == 1;
    }
    return false;
}
