/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cross calls: who interrupts whom, who sleeps and who wakes.
 */
/* The shim's cross calls run at once; here the kernel's are tested. */
#define smp_call_others tested_smp_call_others
#define smp_call_ipi    tested_smp_call_ipi
#define wake            cross_call_wake
#include "kernel/cross_call.c"
#undef wake
#include "shim.h"
#include "unit.h"

#define CPUS 3

static unsigned interrupts[CPUS], runs[CPUS], sleeps;
static bool others_answer;

void arch_ipi_send(struct cpu *target, enum ipi ipi)
{
    CHECK_EQ(ipi, IPI_CALL);
    interrupts[target->number]++;
}

static void answer_elsewhere(void)
{
    unsigned self = cpu_self()->number;

    for (unsigned i = 0; i < CPUS; i++) {
        if (i != self) {
            shim_run_on(i);
            smp_call_ipi();
        }
    }
    shim_run_on(self);
}

/* The others get the processor that this CPU leaves. Without an interrupt, time goes on. */
void arch_cpu_idle(void)
{
    CHECK(!arch_irqs_enabled());
    sleeps++;
    if (others_answer)
        answer_elsewhere();
    if (interrupts[cpu_self()->number] == 0)
        shim_clock_ns = shim_timers_next();
}

static void count_run(void *arg)
{
    CHECK(arg == runs);
    CHECK(!arch_irqs_enabled());
    runs[cpu_self()->number]++;
}

static void set_up(void)
{
    shim_boot(64 * MIB);
    shim_set_cpus(CPUS);
    sleeps = 0;
    others_answer = true;
    for (unsigned i = 0; i < CPUS; i++) {
        interrupts[i] = runs[i] = 0;
        cpus[i]->callers = 0;
    }
}

static void check_answered(void)
{
    CHECK_EQ(runs[0], 0);
    CHECK_EQ(runs[1], 1);
    CHECK_EQ(runs[2], 1);
    CHECK_EQ(interrupts[1], 1);
    CHECK_EQ(interrupts[2], 1);
}

TEST(cross_call_sleeps_until_the_last_answer)
{
    uint64_t begin;

    set_up();
    begin = clock_ns();
    smp_call_others(count_run, runs);
    check_answered();
    CHECK_EQ(sleeps, 1);
    CHECK_EQ(interrupts[0], 1);
    CHECK(clock_ns() - begin < NS_PER_MS);
    CHECK_EQ(shim_timers_armed(), 0);
    CHECK(arch_irqs_enabled());
}

static void let_others_answer(void *arg UNUSED)
{
    answer_elsewhere();
}

/* Both wait with interrupts off: each runs the other's call from its loop. */
TEST(cross_calls_at_once_with_interrupts_off)
{
    irqflags_t flags;

    set_up();
    cpus[1]->call = (struct cross_call){.fn = let_others_answer, .unanswered = 2};
    cpus[0]->callers = 1 << 1;
    flags = arch_irq_save();
    smp_call_others(count_run, runs);
    arch_irq_restore(flags);
    check_answered();
    CHECK_EQ(sleeps, 0);
    CHECK_EQ(interrupts[0], 0);
    CHECK_EQ(cpus[1]->call.unanswered, 1);
}

TEST(cross_calls_share_an_interrupt)
{
    set_up();
    cpus[2]->call = (struct cross_call){.fn = count_run, .arg = runs, .unanswered = 1};
    cpus[1]->callers = 1 << 2;
    smp_call_others(count_run, runs);
    CHECK_EQ(interrupts[1], 0);
    CHECK_EQ(interrupts[2], 1);
    CHECK_EQ(runs[1], 2);
    CHECK_EQ(runs[2], 1);
}

TEST(cross_call_names_the_cpu_that_is_lost)
{
    set_up();
    others_answer = false;
    EXPECT_PANIC("CPU 1 does not answer a cross call", smp_call_others(count_run, runs));
}

TEST(cross_call_without_others)
{
    set_up();
    shim_set_cpus(1);
    smp_call_others(count_run, runs);
    CHECK_EQ(interrupts[1], 0);
}
