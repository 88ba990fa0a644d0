/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory mappings of applications.
 */
#include "guest.h"
#include <arch/layout.h>
#include <arch/trap.h>
#include <errno.h>
#include <neap/compiler.h>
#include <neap/memory.h>
#include <neap/sections.h>
#include <neap/space.h>
#include <string.h>
#include <sys/mman.h>

#define SIZE  (4 * MIB)
#define RW    (PROT_READ | PROT_WRITE)
#define ANON  (MAP_PRIVATE | MAP_ANONYMOUS)
#define SLACK (512 * KIB)

/* A call that must fail with this error. */
#define REFUSED(t, call, error)     \
    do {                            \
        errno = 0;                  \
        EXPECT_EQ(t, (call), -1);   \
        EXPECT_EQ(t, errno, error); \
    } while (0)

#define MAP_REFUSED(t, call, error) REFUSED(t, (intptr_t)(call), error)

static void write_byte(void *at)
{
    *(volatile char *)at = 1;
}

static void read_byte(void *at)
{
    (void)*(volatile char *)at;
}

static bool writable(void *at)
{
    return arch_trap_expect(write_byte, at, NULL) == -1;
}

static bool readable(void *at)
{
    return arch_trap_expect(read_byte, at, NULL) == -1;
}

static void *map(size_t size, int prot)
{
    return mmap(NULL, size, prot, ANON, -1, 0);
}

static uint64_t free_bytes(void)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return stats.free;
}

static uint64_t committed(void)
{
    struct space_stats stats;

    space_stats_get(&stats);
    return stats.committed;
}

static void test_map(struct selftest *t)
{
    uint64_t before = free_bytes(), promised = committed();
    char *area = map(SIZE - 5, RW);

    EXPECT(t, area != MAP_FAILED && (uintptr_t)area % PAGE_SIZE == 0);
    if (area == MAP_FAILED)
        return;
    EXPECT_EQ(t, committed() - promised, SIZE);
    EXPECT(t, free_bytes() + SLACK >= before); /* nothing touched */
    for (size_t at = 0; at < SIZE; at += PAGE_SIZE) {
        EXPECT_EQ(t, area[at], 0);
        area[at] = 7;
    }
    EXPECT(t, free_bytes() + SIZE - SLACK < before);

    /* A hole in the middle. */
    EXPECT_EQ(t, munmap(area + MIB, MIB), 0);
    EXPECT(t, !readable(area + MIB) && !readable(area + 2 * MIB - 1));
    EXPECT(t, area[MIB - PAGE_SIZE] == 7 && area[2 * MIB] == 7);
    REFUSED(t, munmap(area + MIB, MIB), EINVAL);
    EXPECT_EQ(t, munmap(area, MIB), 0);
    EXPECT_EQ(t, munmap(area + 2 * MIB, SIZE - 2 * MIB), 0);
    EXPECT(t, !readable(area));
    EXPECT(t, free_bytes() + SLACK >= before);
    EXPECT_EQ(t, committed(), promised);
}
SELFTEST(mmap_maps_and_unmaps, test_map);

static void test_fixed(struct selftest *t)
{
    char *area = map(SIZE, RW), *again;

    if (area == MAP_FAILED) {
        selftest_fail(t, __FILE__, __LINE__, "errno %d", errno);
        return;
    }
    memset(area, 9, 4 * PAGE_SIZE);
    again = mmap(area + PAGE_SIZE, PAGE_SIZE, RW, ANON | MAP_FIXED, -1, 0);
    EXPECT(t, again == area + PAGE_SIZE && again[0] == 0);
    EXPECT(t, area[0] == 9 && area[2 * PAGE_SIZE] == 9);
    MAP_REFUSED(t, mmap(area, PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
    MAP_REFUSED(t, mmap(area + 1, PAGE_SIZE, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
    MAP_REFUSED(t, mmap(t, PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EINVAL);
    MAP_REFUSED(t, mmap(__image_start, PAGE_SIZE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
    EXPECT_EQ(t, munmap(area, SIZE), 0);

    /* Free now: exactly there, and as a hint. */
    again = mmap(area, MIB, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    EXPECT(t, again == area && again[0] == 0);
    EXPECT_EQ(t, munmap(area, MIB), 0);
    again = mmap(area, MIB, RW, ANON, -1, 0);
    EXPECT(t, again == area);
    again = mmap(area, MIB, RW, ANON, -1, 0);
    EXPECT(t, again != area && again != MAP_FAILED);
    EXPECT_EQ(t, munmap(again, MIB), 0);
    EXPECT_EQ(t, munmap(area, MIB), 0);
}
SELFTEST(mmap_places_where_asked, test_fixed);

static void test_advice(struct selftest *t)
{
    uint64_t before = free_bytes();
    char *area = map(SIZE, RW);

    if (area == MAP_FAILED) {
        selftest_fail(t, __FILE__, __LINE__, "errno %d", errno);
        return;
    }
    EXPECT_EQ(t, madvise(area, SIZE, MADV_WILLNEED), 0);
    EXPECT(t, free_bytes() + SIZE - SLACK < before);
    memset(area, 5, SIZE);
    EXPECT_EQ(t, madvise(area, MIB, MADV_DONTNEED), 0);
    EXPECT_EQ(t, madvise(area + MIB, 2 * MIB, MADV_FREE), 0);
    EXPECT(t, free_bytes() + MIB + SLACK >= before);
    EXPECT(t, area[0] == 0 && area[3 * MIB - 1] == 0 && area[3 * MIB] == 5);
    EXPECT_EQ(t, madvise(area, SIZE, MADV_SEQUENTIAL), 0);
    EXPECT_EQ(t, msync(area, SIZE, MS_SYNC), 0);

    REFUSED(t, madvise(area, SIZE, 77), EINVAL);
    REFUSED(t, madvise(area + 1, SIZE, MADV_DONTNEED), EINVAL);
    REFUSED(t, madvise(area, 0, MADV_DONTNEED), EINVAL);
    REFUSED(t, madvise(area, SIZE_MAX, MADV_DONTNEED), ENOMEM);
    REFUSED(t, msync(area, SIZE, MS_SYNC | MS_ASYNC), EINVAL);
    REFUSED(t, msync(area, SIZE, 0), EINVAL);
    EXPECT_EQ(t, munmap(area, SIZE), 0);
    REFUSED(t, madvise(area, SIZE, MADV_DONTNEED), ENOMEM);
    REFUSED(t, madvise(area, SIZE, MADV_WILLNEED), ENOMEM);
    REFUSED(t, msync(area, SIZE, MS_SYNC), ENOMEM);
    EXPECT(t, free_bytes() + SLACK >= before);
}
SELFTEST(mmap_follows_advice, test_advice);

static void test_protection(struct selftest *t)
{
    uint64_t promised = committed();
    char *area = map(SIZE, PROT_NONE);

    if (area == MAP_FAILED) {
        selftest_fail(t, __FILE__, __LINE__, "errno %d", errno);
        return;
    }
    EXPECT_EQ(t, committed(), promised); /* only addresses so far */
    EXPECT(t, !readable(area));
    EXPECT_EQ(t, mprotect(area, SIZE, PROT_NONE), 0);
    EXPECT_EQ(t, mprotect(area + MIB, MIB, RW), 0);
    EXPECT_EQ(t, committed() - promised, MIB);
    EXPECT(t, !readable(area) && writable(area + MIB));
    EXPECT(t, writable(area + 2 * MIB - 1) && !readable(area + 2 * MIB));

    memset(area + MIB, 3, MIB);
    EXPECT_EQ(t, mprotect(area + MIB, PAGE_SIZE, PROT_READ), 0);
    EXPECT(t, !writable(area + MIB) && area[MIB] == 3);
    EXPECT_EQ(t, mprotect(area, SIZE, PROT_NONE), 0);
    EXPECT(t, !readable(area + MIB) && !readable(area + 2 * MIB - 1));
    EXPECT_EQ(t, mprotect(area + MIB, MIB, RW), 0);
    EXPECT(t, area[MIB] == 3 && area[2 * MIB - 1] == 3 && writable(area + MIB));

    REFUSED(t, mprotect(area + MIB, MIB, RW | PROT_EXEC), EACCES);
    REFUSED(t, mprotect(area, SIZE, 64), EINVAL);
    REFUSED(t, mprotect(area + 1, MIB, RW), EINVAL);
    EXPECT_EQ(t, munmap(area, SIZE), 0);
    REFUSED(t, mprotect(area, SIZE, RW), ENOMEM);
    REFUSED(t, mprotect(area, SIZE, PROT_NONE), ENOMEM);
    EXPECT_EQ(t, committed(), promised);
}
SELFTEST(mmap_protects, test_protection);

static void test_refused(struct selftest *t)
{
    uint64_t promised = committed();

    MAP_REFUSED(t, map(0, RW), EINVAL);
    MAP_REFUSED(t, map(SIZE, 8), EINVAL);
    MAP_REFUSED(t, map(SIZE, PROT_WRITE | PROT_EXEC), EACCES);
    MAP_REFUSED(t, mmap(NULL, SIZE, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
    MAP_REFUSED(t, mmap(NULL, SIZE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), ENOTSUP);
    MAP_REFUSED(t, mmap(NULL, SIZE, RW, ANON | 0x40000, -1, 0), EINVAL);
    MAP_REFUSED(t, mmap(NULL, SIZE, RW, MAP_PRIVATE, 1, 0), ENODEV);
    MAP_REFUSED(t, mmap(NULL, SIZE, RW, MAP_PRIVATE, 5, 0), EBADF);
    MAP_REFUSED(t, map(SIZE_MAX, RW), ENOMEM);
    MAP_REFUSED(t, map(HEAP_SIZE, RW), ENOMEM);
    MAP_REFUSED(t, map(HEAP_SIZE / 2, RW), ENOMEM);
    REFUSED(t, munmap(NULL, SIZE), EINVAL);
    REFUSED(t, munmap(t, SIZE), EINVAL);
    EXPECT_EQ(t, committed(), promised);
}
SELFTEST(mmap_refuses_clearly, test_refused);
