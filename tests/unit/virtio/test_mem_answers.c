/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory device: answers of every kind to requests of every kind, good and bad.
 */
#include "fake_mem.h"
#include <neap/timer.h>
#include <stdio.h>

static void start(void)
{
    mem_host_start(2 * MIB, 64);
    mem_host.relaxed = true;
    elastic.take_limit = 5;
    mem_host_resize(40 * MIB);
}

/* Something of everything: plug, unplug, and a reset, after which all states are asked for. */
static void exercise(void)
{
    mem_host_resize(100 * MIB);
    shim_advance(15 * NS_PER_S);
    mem_host_resize(10 * MIB);
    shim_advance(15 * NS_PER_S);
    if (mem_host.fake->dev.live)
        virtio_device_misbehaved(&mem_host.fake->dev, "a test says so");
    shim_advance(15 * NS_PER_S);
    mem_host_resize(80 * MIB);
    shim_advance(500 * NS_PER_S);
}

static void stop_lying(void)
{
    for (unsigned i = 0; i < VMEM_REQUESTS; i++)
        mem_host.script[i].times = 0;
}

/* After these the guest works on memory that is not there: the device is left alone. */
static bool loses_memory(enum vmem_request_type type, enum fake_mem_lie lie)
{
    return (type == VMEM_PLUG && (lie == LIE_NOT_DONE || lie == LIE_HALF)) ||
           (type == VMEM_STATE && (lie == LIE_STATE || lie == LIE_HALF));
}

static const enum vmem_request_type types[] = {VMEM_PLUG, VMEM_UNPLUG, VMEM_STATE};

/* One wrong answer early or late: everything comes to the right end. */
TEST_CASES(mem_one_bad_answer, 3 * LIES * 3)
{
    enum vmem_request_type type = types[test_case % 3];
    enum fake_mem_lie lie = test_case / 3 % LIES;

    start();
    mem_host_lie(type, lie, test_case / 3 / LIES, 1);
    exercise();
    CHECK(mem_host.fake->dev.resets <= 2);
    if (loses_memory(type, lie) && mem_host_vmem()->given_up) {
        CHECK(shim_log_count("which is in use, is unplugged: left alone") > 0);
        return;
    }
    CHECK(mem_host.fake->dev.live);
    mem_host_resize(80 * MIB); /* news, should a NACK have been the last answer */
    mem_host_check(80 * MIB);
    mem_host_resize(6 * MIB);
    mem_host_check(6 * MIB);
}

/* Every answer is wrong: bounded work, memory kept, and the guest lives. */
TEST_CASES(mem_only_bad_answers, 3 * LIES)
{
    enum vmem_request_type type = types[test_case % 3];
    enum fake_mem_lie lie = test_case / 3;
    uint64_t requests = 0;

    start();
    mem_host_lie(type, lie, 0, 100000);
    exercise();
    for (unsigned i = 0; i < VMEM_REQUESTS; i++)
        requests += mem_host.requests[i];
    CHECK(requests < 2000);
    CHECK(mem_host.fake->dev.resets <= VIRTIO_RESETS_MAX);
    CHECK(vmem_in_use(mem_host_vmem()) + fake_elastic_taken() * 2 * MIB >= 10 * MIB);
    stop_lying();
    shim_advance(20 * NS_PER_S);
    if (!mem_host.fake->dev.live || mem_host_vmem()->given_up)
        return;
    mem_host_resize(50 * MIB);
    shim_advance(20 * NS_PER_S);
    if (!mem_host_vmem()->given_up)
        mem_host_check(50 * MIB);
}

/* What was said is named, with the request. */
TEST_CASES(mem_bad_answer_is_named, 6)
{
    static const struct {
        enum fake_mem_lie lie;
        enum vmem_answer answer;
    } cases[] = {{LIE_ERROR, VMEM_ERROR},          {LIE_NO_BYTES, VMEM_SHORT},
                 {LIE_ONE_BYTE, VMEM_SHORT},       {LIE_UNWRITTEN, VMEM_UNKNOWN},
                 {LIE_UNKNOWN_TYPE, VMEM_UNKNOWN}, {LIE_SILENT, VMEM_SILENT}};
    char text[64];

    start();
    mem_host_lie(VMEM_PLUG, cases[test_case].lie, 0, 1);
    mem_host_resize(50 * MIB);
    shim_advance(11 * NS_PER_S);
    CHECK_EQ(mem_host_answers(VMEM_PLUG, cases[test_case].answer), 1);
    snprintf(text, sizeof(text), "answers \"%s\" to plug 0x102800000 + 0xa00000",
             vmem_answer_names[cases[test_case].answer]);
    CHECK_EQ(shim_log_count(text), test_case < 5);
    CHECK_EQ(shim_log_count("no answer for 10 s"), test_case == 5);
    mem_host_check(50 * MIB);
}

TEST_CASES(mem_bad_state_is_named, 3)
{
    static const struct {
        enum fake_mem_lie lie;
        const char *name;
    } cases[] = {{LIE_SHORT, "short"}, {LIE_BAD_STATE, "unknown"}, {LIE_NACK, "nack"}};
    char text[64];

    start();
    mem_host_lie(VMEM_STATE, cases[test_case].lie, 0, 1);
    mem_host_reset();
    snprintf(text, sizeof(text), "answers \"%s\" to state", cases[test_case].name);
    CHECK_EQ(shim_log_count(text), 1);
    mem_host_check(40 * MIB);
}

/* The same wrong answer again, after the device was asked for its blocks: that was enough. */
TEST(mem_second_bad_answer_resets)
{
    start();
    mem_host_lie(VMEM_PLUG, LIE_ERROR, 0, 2);
    mem_host_resize(50 * MIB);
    CHECK_EQ(shim_log_count("it is asked for its blocks"), 1);
    CHECK_EQ(shim_log_count("misbehaves: answers \"error\" to plug"), 1);
    CHECK_EQ(mem_host.fake->dev.resets, 1);
    mem_host_check(50 * MIB);
    /* When all was as requested, the next one is the first again. */
    mem_host_lie(VMEM_PLUG, LIE_ERROR, 0, 1);
    mem_host_resize(60 * MIB);
    mem_host_lie(VMEM_PLUG, LIE_ERROR, 0, 1);
    mem_host_resize(70 * MIB);
    CHECK_EQ(mem_host.fake->dev.resets, 1);
    mem_host_check(70 * MIB);
}

/* ---- BUSY: the host migrates ---- */

TEST_CASES(mem_busy_for_long, 3)
{
    uint64_t requests;

    start();
    if (test_case == 2)
        virtio_device_misbehaved(&mem_host.fake->dev, "a test says so");
    mem_host_lie(types[test_case], LIE_BUSY, 0, 100000);
    mem_host_resize(test_case == 1 ? 10 * MIB : 60 * MIB);
    requests = mem_host.requests[types[test_case]];
    shim_advance(9 * NS_PER_MS);
    CHECK_EQ(mem_host.requests[types[test_case]], requests);
    shim_advance(2 * NS_PER_MS);
    CHECK_EQ(mem_host.requests[types[test_case]], requests + 1);
    CHECK_EQ(mem_host_vmem()->activity, VMEM_WAITING);
    shim_advance(100 * NS_PER_S);
    requests = mem_host.requests[types[test_case]] - requests;
    CHECK(requests > 95 && requests < 115);
    CHECK_EQ(mem_host.plugged, 40 * MIB);
    CHECK_EQ(vmem_in_use(mem_host_vmem()), 40 * MIB);
    stop_lying();
    shim_advance(1100 * NS_PER_MS);
    mem_host_check(test_case == 1 ? 10 * MIB : 60 * MIB);
    CHECK_EQ(mem_host_vmem()->activity, VMEM_IDLE);
    CHECK_EQ(mem_host.fake->dev.resets, test_case == 2);
    /* The next time it starts at 10 ms again. */
    mem_host_lie(VMEM_PLUG, LIE_BUSY, 0, 1);
    mem_host_resize(100 * MIB);
    shim_advance(11 * NS_PER_MS);
    mem_host_check(100 * MIB);
}

/* A new request does not wait for the end of the back-off. */
TEST(mem_busy_and_the_request_changes)
{
    start();
    mem_host_lie(VMEM_PLUG, LIE_BUSY, 0, 100000);
    mem_host_resize(60 * MIB);
    shim_advance(10 * NS_PER_S);
    mem_host_resize(10 * MIB);
    mem_host_check(10 * MIB);
}

/* ---- NACK ---- */

/* A plug beyond what is requested: wait until the host says something new. */
TEST(mem_nack_waits_for_a_change)
{
    start();
    mem_host_lie(VMEM_PLUG, LIE_NACK, 0, 1);
    mem_host_resize(60 * MIB);
    CHECK_EQ(mem_host_vmem()->activity, VMEM_WAITING);
    shim_advance(200 * NS_PER_S);
    mem_host_vmem()->region.changed(&mem_host_vmem()->region);
    shim_advance(NS_PER_S);
    CHECK_EQ(mem_host_answers(VMEM_PLUG, VMEM_NACK), 1);
    CHECK_EQ(shim_timers_armed(), 0);
    mem_host_check(40 * MIB);
    mem_host_resize(60 * MIB);
    mem_host_check(60 * MIB);
}

static void lower_request(enum vmem_request_type type)
{
    mem_host.on_request = NULL;
    CHECK_EQ(type, VMEM_PLUG);
    mem_host.requested = 50 * MIB;
    mem_host_update(&mem_host);
}

/* The request fell while the PLUG was on its way: the new one is met without an interrupt. */
TEST(mem_nack_because_the_request_fell)
{
    start();
    mem_host.on_request = lower_request;
    mem_host_resize(60 * MIB);
    CHECK_EQ(mem_host_answers(VMEM_PLUG, VMEM_NACK), 1);
    mem_host_check(50 * MIB);
}

static void break_config(enum vmem_request_type type)
{
    (void)type;
    mem_host_config(&mem_host, VMEM_CONFIG_USABLE, 3);
}

TEST(mem_nack_and_the_configuration_breaks)
{
    start();
    mem_host_lie(VMEM_PLUG, LIE_NACK, 0, 1);
    mem_host.on_request = break_config;
    mem_host_resize(60 * MIB);
    CHECK_EQ(shim_log_count("usable size beyond the region or no whole blocks"), 1);
    mem_host.on_request = NULL;
    mem_host_resize(70 * MIB);
    mem_host_check(70 * MIB);
}

TEST(mem_nack_to_unplug_puts_back)
{
    start();
    mem_host_lie(VMEM_UNPLUG, LIE_NACK, 0, 1);
    mem_host_resize(10 * MIB);
    mem_host_check(40 * MIB);
    CHECK_EQ(elastic.put_backs, 1);
    mem_host_resize(10 * MIB);
    mem_host_check(10 * MIB);
}

/* ---- what mm refused to add has to go back, and the device makes that hard ---- */

TEST_CASES(mem_give_back_fails, LIES)
{
    start();
    mem_host_lie(VMEM_UNPLUG, test_case, 0, 1);
    elastic.fail_adds = 1;
    mem_host_resize(60 * MIB);
    shim_advance(15 * NS_PER_S);
    mem_host_vmem()->region.changed(&mem_host_vmem()->region);
    shim_advance(15 * NS_PER_S);
    mem_host_resize(62 * MIB);
    shim_advance(15 * NS_PER_S);
    mem_host_check(62 * MIB);
    CHECK(mem_host.fake->dev.resets <= 1);
    /* Only a device that lies about it is found out by that. */
    CHECK_EQ(shim_log_count("its plugged size"),
             test_case == LIE_NOT_DONE || test_case == LIE_HALF);
}
