/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt vectors: who gets which, and what happens when one arrives. A vector means the same
 * on every CPU.
 */
#include "lapic.h"
#include "x86.h"
#include <arch/clock.h>
#include <arch/irq.h>
#include <neap/errors.h>
#include <neap/lock.h>
#include <neap/panic.h>
#include <neap/thread.h>
#include <neap/trace.h>

#define MSI_ADDRESS      0xfee00000u
#define MSI_TARGET_SHIFT 12
#define MSI_APIC_ID_MAX  0xff

struct vector_slot {
    irq_handler_t handler; /* NULL: not delivered; written last, cleared first */
    void *arg;
    const char *name; /* NULL: free; under vectors_lock */
};

static struct vector_slot vectors[NR_VECTORS];
static struct spinlock vectors_lock = SPINLOCK_INIT("vectors", LOCK_RANK_CONSOLE);

int arch_irq_alloc(irq_handler_t handler, void *arg, const char *name)
{
    irqflags_t flags = spin_lock(&vectors_lock);
    int vector = VECTOR_DEVICE_FIRST;

    while (vector <= VECTOR_DEVICE_LAST && vectors[vector].name)
        vector++;
    if (vector <= VECTOR_DEVICE_LAST) {
        vectors[vector].name = name;
        vectors[vector].arg = arg;
        __atomic_store_n(&vectors[vector].handler, handler, __ATOMIC_RELEASE);
    } else {
        vector = -ENOSPC;
    }
    spin_unlock(&vectors_lock, flags);
    return vector;
}

static void do_nothing(void *arg)
{
    (void)arg;
}

void x86_irq_synchronize(void)
{
    /* Handlers run with interrupts off, so a CPU that answers a call is in none. */
    smp_call_others(do_nothing, NULL);
}

void arch_irq_free(int vector)
{
    irqflags_t flags;

    ASSERT(vector >= VECTOR_DEVICE_FIRST && vector <= VECTOR_DEVICE_LAST);
    __atomic_store_n(&vectors[vector].handler, NULL, __ATOMIC_RELEASE);
    x86_irq_synchronize();
    flags = spin_lock(&vectors_lock);
    vectors[vector].name = NULL;
    spin_unlock(&vectors_lock, flags);
}

void arch_irq_for_each(void (*fn)(int vector, const char *name, void *arg), void *arg)
{
    for (int vector = VECTOR_DEVICE_FIRST; vector <= VECTOR_DEVICE_LAST; vector++) {
        const char *name = READ_ONCE(vectors[vector].name);

        if (name)
            fn(vector, name, arg);
    }
}

void arch_msi_compose(int vector, struct cpu *target, struct msi_message *out)
{
    uint32_t apic_id = target->arch.apic_id;

    /* The message has room for eight bits; a CPU beyond them hands its interrupts to the first.
     */
    if (apic_id > MSI_APIC_ID_MAX)
        apic_id = cpus[0]->arch.apic_id;
    out->address = MSI_ADDRESS | apic_id << MSI_TARGET_SHIFT;
    out->data = (uint32_t)vector;
}

void arch_ipi_send(struct cpu *target, enum ipi ipi)
{
    uint32_t apic_id = target->arch.apic_id;

    switch (ipi) {
    case IPI_RESCHEDULE:
        lapic_send(apic_id, LAPIC_IPI_FIXED, VECTOR_RESCHEDULE);
        break;
    case IPI_CALL:
        lapic_send(apic_id, LAPIC_IPI_FIXED, VECTOR_CALL);
        break;
    case IPI_STOP: /* must reach a CPU that spins with interrupts off */
        WRITE_ONCE(target->arch.stop_asked, true);
        lapic_send(apic_id, LAPIC_IPI_NMI, 0);
        break;
    }
}

static void run_handler(unsigned vector)
{
    struct vector_slot *slot = &vectors[vector];
    irq_handler_t handler = __atomic_load_n(&slot->handler, __ATOMIC_ACQUIRE);

    if (handler)
        handler(slot->arg);
}

void x86_irq_dispatch(struct trap_frame *frame)
{
    enum trace_reason reason = TRACE_INTERRUPT;
    uint64_t code = frame->vector;
    uint64_t begin;

    /* What was never requested is not acknowledged either. */
    if (frame->vector == VECTOR_SPURIOUS || frame->vector < VECTOR_DEVICE_FIRST)
        return;
    cpu_self()->interrupts++;
    begin = arch_clock_ns();
    switch (frame->vector) {
    case VECTOR_TIMER:
        timer_interrupt();
        break;
    case VECTOR_RESCHEDULE:
        reason = TRACE_IPI;
        code = IPI_RESCHEDULE;
        sched_ipi();
        break;
    case VECTOR_CALL:
        reason = TRACE_IPI;
        code = IPI_CALL;
        smp_call_ipi();
        break;
    default:
        run_handler((unsigned)frame->vector);
        break;
    }
    lapic_eoi();
    trace_record(reason, code, 0, frame->rip, begin, arch_clock_ns());
    sched_preempt_at_irq_exit();
}
