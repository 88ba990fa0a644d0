/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks for newlib and applications.
 */
#include <errno.h>
#include <neap/timer.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#define CLOCK_TICK_NS (NS_PER_S / CLOCKS_PER_SEC)

/*
 * The platform's clock is slow to read, so it is read once; from then on the monotonic clock
 * carries it. Two threads that come first together store nearly the same value.
 */
static uint64_t wall_ns(void)
{
    static uint64_t offset;
    uint64_t known = __atomic_load_n(&offset, __ATOMIC_RELAXED);

    if (!known) {
        known = arch_wall_clock_ns() - clock_ns();
        __atomic_store_n(&offset, known, __ATOMIC_RELAXED);
    }
    return known + clock_ns();
}

int clock_gettime(clockid_t id, struct timespec *time)
{
    uint64_t ns;

    if (id == CLOCK_REALTIME) {
        ns = wall_ns();
    } else if (id == CLOCK_MONOTONIC) {
        ns = clock_ns();
    } else {
        errno = EINVAL;
        return -1;
    }
    time->tv_sec = (time_t)(ns / NS_PER_S);
    time->tv_nsec = (long)(ns % NS_PER_S);
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    uint64_t us = wall_ns() / NS_PER_US;

    (void)zone; /* obsolete: POSIX leaves its effect open */
    time->tv_sec = (time_t)(us / 1000000);
    time->tv_usec = (suseconds_t)(us % 1000000);
    return 0;
}

clock_t times(struct tms *buffer)
{
    clock_t now = (clock_t)(clock_ns() / CLOCK_TICK_NS);

    *buffer = (struct tms){.tms_utime = now};
    return now;
}
