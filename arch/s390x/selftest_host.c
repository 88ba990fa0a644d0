/* SPDX-License-Identifier: BSD-2-Clause */
/* Self-tests: calls to the host (DIAGNOSE 0x500). */
#include "s390x.h"
#include <arch/boot.h>
#include <neap/memory.h>
#include <neap/selftest.h>

#define UNKNOWN_SUBCODE 0x7ff0

static void call_unknown(void *arg)
{
    register uint64_t subcode __asm__("1") = UNKNOWN_SUBCODE;
    register uint64_t answer __asm__("2");

    (void)arg;
    __asm__ volatile("diag 2,4,0x500" : "=d"(answer) : "d"(subcode) : "memory", "cc");
}

static void test_unknown_call(struct selftest *t)
{
    EXPECT_EQ(t, arch_trap_expect(call_unknown, NULL, NULL), PROGRAM_SPECIFICATION);
}
SELFTEST(host_call_unknown, test_unknown_call);

static void test_memory_limit(struct selftest *t)
{
    uint64_t limit = arch_memory_limit();
    struct memory_stats stats;

    if (limit == UINT64_MAX) {
        selftest_skip(t, "QEMU before 10 does not tell where memory ends");
        return;
    }
    memory_stats_get(&stats);
    EXPECT(t, limit >= stats.total);
    EXPECT_EQ(t, limit % MIB, 0);
}
SELFTEST(host_memory_limit, test_memory_limit);
