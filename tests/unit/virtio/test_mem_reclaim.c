/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that are short of memory wait for what the memory device is about to plug, and for
 * nothing else.
 */
#include "fake_mem.h"
#include <neap/timer.h>

static uint64_t reclaim(void)
{
    struct reclaimer *reclaimer = &mem_host_vmem()->reclaimer;

    return reclaimer->reclaim(reclaimer, 1);
}

/* The host has asked, but the worker has not run yet. */
TEST(mem_reclaim_waits_for_the_plug)
{
    mem_host_start(2 * MIB, 64);
    mem_host.requested = 20 * MIB;
    mem_host_update(&mem_host);
    vmem_worker_config_changed(mem_host_vmem());
    CHECK(reclaim() >= 2 * MIB / PAGE_SIZE);
    shim_settle();
    mem_host_check(20 * MIB);
}

/* Nothing is coming: no wait. A device that is silent: a bounded one. */
TEST(mem_reclaim_does_not_wait_in_vain)
{
    uint64_t begin;

    mem_host_start(2 * MIB, 64);
    begin = clock_ns();
    CHECK_EQ(reclaim(), 0);
    CHECK_EQ(clock_ns(), begin);
    mem_host.script[VMEM_PLUG] = (struct fake_mem_script){.lie = LIE_SILENT, .times = 1};
    mem_host_resize(20 * MIB);
    CHECK_EQ(reclaim(), 0);
    CHECK(clock_ns() - begin > 0 && clock_ns() - begin < 9 * NS_PER_S);
    shim_advance(30 * NS_PER_S);
    mem_host_check(20 * MIB);
    /* A busy device is not waited for. */
    mem_host.script[VMEM_PLUG] = (struct fake_mem_script){.lie = LIE_BUSY, .times = 5};
    mem_host_resize(40 * MIB);
    begin = clock_ns();
    CHECK_EQ(reclaim(), 0);
    CHECK_EQ(clock_ns(), begin);
}
