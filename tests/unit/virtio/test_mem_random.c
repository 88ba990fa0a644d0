/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory device under random requests, refusals of mm, answers and resets, with threads
 * that interleave by chance: in the end device and mm agree on the requested size.
 */
#include "fake_mem.h"
#include <errno.h>
#include <neap/timer.h>

static void change_request(void)
{
    mem_host.requested = unit_random_below(129) * MIB;
    mem_host_update(&mem_host);
    fake_config_changed(mem_host.fake);
}

static void change_second(void)
{
    mem_host_request(&mem_hosts[1], unit_random_below(65) * 128 * MIB);
}

static void change_mm(void)
{
    static const int errors[] = {0, 0, -EBUSY, -ENOMEM};

    elastic.take_error = errors[unit_random_below(ARRAY_SIZE(errors))];
    elastic.take_limit = unit_random_below(9);
    elastic.fail_adds = unit_random_below(4) ? 0 : 2;
    mem_host_vmem()->region.changed(&mem_host_vmem()->region);
}

/* Answers that leave the guest's memory where it is. */
static void answer_badly(void)
{
    static const enum fake_mem_lie lies[] = {LIE_BUSY, LIE_BUSY, LIE_NACK, LIE_ERROR,
                                             LIE_SHORT};
    static const enum fake_mem_lie deadly[] = {LIE_SILENT, LIE_SILENT_DONE, LIE_ERROR_DONE,
                                               LIE_TOO_LONG, LIE_UNWRITTEN};
    bool kill = unit_random_below(30) == 0;

    /* How often a device may go wrong is another test's matter. */
    mem_host.fake->dev.resets = 0;
    if (!kill && mem_host_vmem()->doubted)
        return;
    mem_host_lie(unit_random_below(VMEM_REQUESTS),
                 kill ? deadly[unit_random_below(ARRAY_SIZE(deadly))]
                      : lies[unit_random_below(ARRAY_SIZE(lies))],
                 (unsigned)unit_random_below(3), 1);
}

static void wait_a_little(void)
{
    shim_advance(unit_random_below(2000) * NS_PER_MS);
}

static void yield(void)
{
    thread_yield();
}

TEST_CASES(mem_random, 16)
{
    void (*const steps[])(void) = {change_request, change_request, change_second, change_mm,
                                   answer_badly,   wait_a_little,  yield,         yield};

    elastic.taken_is_plugged = test_case & 1;
    shim_set_cpus(1 + test_case % 3);
    mem_host_create(1, 0, 128 * MIB, 64 * GIB, 8 * GIB);
    mem_host_start(1 * MIB, 128);
    CHECK_EQ(virtio_device_add(&mem_hosts[1].fake->dev), 0);
    mem_host.relaxed = mem_hosts[1].relaxed = true;
    shim_chaos(test_case + 1);
    for (unsigned i = 0; i < 2000; i++)
        steps[unit_random_below(ARRAY_SIZE(steps))]();
    for (unsigned i = 0; i < VMEM_REQUESTS; i++)
        mem_host.script[i].times = 0;
    elastic.take_error = 0;
    elastic.fail_adds = 0;
    shim_chaos(0);
    shim_advance(30 * NS_PER_S);
    CHECK(mem_host.fake->dev.live);
    mem_host_resize(77 * MIB);
    mem_host_request(&mem_hosts[1], 0);
    shim_advance(NS_PER_S);
    mem_host_check(77 * MIB);
    CHECK_EQ(mem_hosts[1].plugged, 0);
    CHECK_EQ(mem_hosts[1].fake->dev.resets, 0);
    CHECK_EQ(mem_host_vmem()->activity, VMEM_IDLE);
    CHECK_EQ(shim_timers_armed(), 0);
}
