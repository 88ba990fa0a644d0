/* SPDX-License-Identifier: BSD-2-Clause */
/* Wall clock: the CMOS clock is read once, the monotonic clock carries it on. */
#include "x86.h"
#include <arch/clock.h>
#include <neap/compiler.h>
#include <neap/lock.h>
#include <neap/timer.h>
#include <string.h>

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71

enum {
    RTC_SECONDS = 0x00,
    RTC_MINUTES = 0x02,
    RTC_HOURS = 0x04,
    RTC_DAY = 0x07,
    RTC_MONTH = 0x08,
    RTC_YEAR = 0x09,
    RTC_STATUS_A = 0x0a,
    RTC_STATUS_B = 0x0b,
};

#define STATUS_A_UPDATING 0x80
#define STATUS_B_24_HOURS 0x02
#define STATUS_B_BINARY   0x04
#define HOURS_PM          0x80

/* An update takes 2 ms of a second; torn readings are rarer still. */
#define UPDATE_READS 10000
#define READ_TRIES   4

struct rtc_time {
    uint8_t seconds, minutes, hours, day, month, year;
};

/* The index port and the data port are one access. */
static struct spinlock cmos_lock = SPINLOCK_INIT("cmos", LOCK_RANK_CONSOLE);

static uint8_t cmos_read(uint8_t index)
{
    port_write8(CMOS_INDEX, index);
    return port_read8(CMOS_DATA);
}

static struct rtc_time read_once(void)
{
    struct rtc_time time;

    for (unsigned i = 0; i < UPDATE_READS && cmos_read(RTC_STATUS_A) & STATUS_A_UPDATING; i++)
        arch_cpu_relax();
    time.seconds = cmos_read(RTC_SECONDS);
    time.minutes = cmos_read(RTC_MINUTES);
    time.hours = cmos_read(RTC_HOURS);
    time.day = cmos_read(RTC_DAY);
    time.month = cmos_read(RTC_MONTH);
    time.year = cmos_read(RTC_YEAR);
    return time;
}

static unsigned decode(uint8_t value, uint8_t status)
{
    return status & STATUS_B_BINARY ? value : (value >> 4) * 10u + (value & 15u);
}

static unsigned decode_hours(uint8_t value, uint8_t status)
{
    unsigned hours;

    if (status & STATUS_B_24_HOURS)
        return decode(value, status);
    hours = decode(value & (uint8_t)~HOURS_PM, status) % 12;
    return value & HOURS_PM ? hours + 12 : hours;
}

/* Days since 1970-01-01. Counting years from March puts the leap day last. */
static uint64_t days_from_date(unsigned year, unsigned month, unsigned day)
{
    unsigned y = month <= 2 ? year - 1 : year;
    unsigned m = month <= 2 ? month + 9 : month - 3;

    return (uint64_t)y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

static uint64_t rtc_seconds(void)
{
    irqflags_t flags = spin_lock(&cmos_lock);
    uint8_t status = cmos_read(RTC_STATUS_B);
    struct rtc_time time = read_once();

    /* A second reading that agrees shows that no update came in between. */
    for (unsigned i = 0; i < READ_TRIES; i++) {
        struct rtc_time again = read_once();

        if (memcmp(&time, &again, sizeof(time)) == 0)
            break;
        time = again;
    }
    spin_unlock(&cmos_lock, flags);
    return days_from_date(2000 + decode(time.year, status) % 100,
                          MAX(decode(time.month, status) % 13, 1),
                          MAX(decode(time.day, status) % 32, 1)) *
               86400 +
           decode_hours(time.hours, status) % 24 * 3600 +
           decode(time.minutes, status) % 60 * 60 + decode(time.seconds, status) % 60;
}

uint64_t arch_wall_clock_ns(void)
{
    static uint64_t base; /* wall clock at kernel entry; 0: not read yet */
    uint64_t now = __atomic_load_n(&base, __ATOMIC_RELAXED);

    if (now == 0) {
        uint64_t expected = 0;

        now = rtc_seconds() * NS_PER_S - arch_clock_ns();
        /* Whoever is first decides, so that the clock never steps. */
        if (!__atomic_compare_exchange_n(&base, &expected, now, false, __ATOMIC_RELAXED,
                                         __ATOMIC_RELAXED))
            now = expected;
    }
    return now + arch_clock_ns();
}
