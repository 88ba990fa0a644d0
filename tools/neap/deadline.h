/* SPDX-License-Identifier: BSD-2-Clause */
/* Points in time that end a wait, in milliseconds of the monotonic clock. */
#ifndef NEAP_TOOL_DEADLINE_H
#define NEAP_TOOL_DEADLINE_H

#include <stdint.h>
#include <time.h>

static inline int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int64_t deadline_in(int64_t ms)
{
    return now_ms() + ms;
}

/* What is left, 0 when it has passed. */
static inline int deadline_left(int64_t deadline)
{
    int64_t left = deadline - now_ms();

    return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

/* Sleep, at most until the deadline. */
static inline void deadline_nap(int64_t deadline, int ms)
{
    int left = deadline_left(deadline);
    int64_t time = left < ms ? left : ms;
    struct timespec nap = {time / 1000, time % 1000 * 1000000};

    nanosleep(&nap, NULL);
}

#endif
