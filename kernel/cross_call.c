/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calling a function on all other CPUs.
 *
 * Every CPU has a call of its own to make, and a bit in the `callers` of each CPU that has to
 * run it. So calls do not wait for one another, and one interrupt may bring several of them.
 */
#include "internal.h"
#include <neap/panic.h>
#include <neap/timer.h>

/* A CPU silent for this long is lost: go on would mean stale translations there. */
#define LOST_NS (60 * NS_PER_S)
/* Longer than a CPU that runs takes to answer, shorter than one that the host does not run. */
#define SPIN_NS (20 * NS_PER_US)

/* The last answer wakes a caller that sleeps; after it, the call may be another one already. */
static void answer(struct cpu *caller)
{
    struct cross_call *call = &caller->call;

    call->fn(call->arg);
    if (__atomic_sub_fetch(&call->unanswered, 1, __ATOMIC_SEQ_CST) == 0 &&
        __atomic_load_n(&call->asleep, __ATOMIC_SEQ_CST))
        arch_ipi_send(caller, IPI_CALL);
}

void smp_call_ipi(void)
{
    irqflags_t flags = arch_irq_save();
    uint64_t callers = __atomic_exchange_n(&cpu_self()->callers, 0, __ATOMIC_ACQUIRE);

    for (; callers; callers &= callers - 1)
        answer(cpus[__builtin_ctzll(callers)]);
    arch_irq_restore(flags);
}

static bool unanswered(const struct cross_call *call)
{
    return __atomic_load_n(&call->unanswered, __ATOMIC_SEQ_CST) != 0;
}

static void wake(void *arg UNUSED)
{
}

/*
 * Halt until the last answer comes. The host may have fewer processors than the guest has CPUs:
 * one that spins then keeps the others from answering.
 */
static void sleep_until_answered(struct cross_call *call, uint64_t deadline)
{
    struct timer timer;

    timer_init(&timer, wake, NULL);
    timer_set(&timer, deadline);
    arch_irq_disable();
    __atomic_store_n(&call->asleep, true, __ATOMIC_SEQ_CST);
    while (unanswered(call) && clock_ns() < deadline)
        arch_cpu_idle();
    __atomic_store_n(&call->asleep, false, __ATOMIC_RELAXED);
    arch_irq_enable();
    timer_cancel(&timer);
}

static void NORETURN lost(uint64_t self)
{
    for (unsigned i = 0; i < cpu_count(); i++)
        if (__atomic_load_n(&cpus[i]->callers, __ATOMIC_RELAXED) & self)
            panic("CPU %u does not answer a cross call", i);
    panic("a cross call does not end");
}

void smp_call_others(void (*fn)(void *), void *arg)
{
    bool may_sleep = arch_irqs_enabled();
    unsigned nr = cpu_count();
    struct cross_call *call;
    uint64_t self, begin;

    if (nr == 1)
        return;
    preempt_disable();
    call = &cpu_self()->call;
    self = UINT64_C(1) << cpu_self()->number;
    call->fn = fn;
    call->arg = arg;
    call->unanswered = nr - 1;
    for (unsigned i = 0; i < nr; i++)
        if (cpus[i] != cpu_self() &&
            __atomic_fetch_or(&cpus[i]->callers, self, __ATOMIC_RELEASE) == 0)
            arch_ipi_send(cpus[i], IPI_CALL);
    begin = clock_ns();
    while (unanswered(call)) {
        uint64_t now = clock_ns();

        if (now - begin > LOST_NS)
            lost(self);
        if (may_sleep && now - begin > SPIN_NS)
            sleep_until_answered(call, begin + LOST_NS + 1);
        else
            cpu_relax_polling();
    }
    preempt_enable();
}
