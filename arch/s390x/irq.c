/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * External and I/O interruptions, and interrupts between CPUs: an emergency signal says that
 * there is work, bits in struct arch_cpu say which.
 */
#include "s390x.h"
#include <arch/ccw.h>
#include <arch/clock.h>
#include <arch/irq.h>
#include <neap/log.h>
#include <neap/thread.h>
#include <neap/trace.h>

enum {
    EXT_COMPARATOR = 0x1004,
    EXT_EMERGENCY = 0x1201,
    EXT_SERVICE = 0x2401,
};

void s390_external(struct trap_frame *frame);
void s390_io(struct trap_frame *frame);

void arch_ipi_send(struct cpu *target, enum ipi ipi)
{
    uint32_t status;

    if (ipi == IPI_STOP) { /* needs nothing of a CPU that may not be able to */
        sigp(target->arch.address, SIGP_STOP, 0, &status);
        return;
    }
    __atomic_fetch_or(&target->arch.ipis, 1u << ipi, __ATOMIC_SEQ_CST);
    while (sigp(target->arch.address, SIGP_EMERGENCY, 0, &status) == 2)
        arch_cpu_relax();
}

static void run_ipis(void)
{
    uint32_t ipis = __atomic_exchange_n(&cpu_self()->arch.ipis, 0, __ATOMIC_SEQ_CST);

    if (ipis & 1u << IPI_RESCHEDULE)
        sched_ipi();
    if (ipis & 1u << IPI_CALL)
        smp_call_ipi();
    if (__atomic_exchange_n(&s390_report_pending, false, __ATOMIC_SEQ_CST))
        ccw_report_pending();
}

/* What both kinds have in common around their work. */
static void finish(struct trap_frame *frame, enum trace_reason reason, uint64_t code,
                   uint64_t begin)
{
    trace_record(reason, code, 0, frame->psw.address, begin, arch_clock_ns());
    s390_end_wait(frame);
    sched_preempt_at_irq_exit();
}

void s390_external(struct trap_frame *frame)
{
    const struct lowcore *lowcore = lowcore_self();
    uint64_t begin = arch_clock_ns();
    uint16_t code = lowcore->ext_code;

    cpu_self()->interrupts++;
    switch (code) {
    case EXT_COMPARATOR:
        /* It stays pending while its time has passed; the kernel sets the next one if any. */
        arch_timer_set(UINT64_MAX);
        timer_interrupt();
        break;
    case EXT_EMERGENCY:
        run_ipis();
        break;
    case EXT_SERVICE:
        s390_sclp_interrupt(lowcore->ext_parameter);
        break;
    default:
        break; /* what was never enabled does not come */
    }
    finish(frame, code == EXT_EMERGENCY ? TRACE_IPI : TRACE_INTERRUPT, code, begin);
}

void s390_io(struct trap_frame *frame)
{
    const struct lowcore *lowcore = lowcore_self();
    uint64_t begin = arch_clock_ns();
    uint32_t subchannel = lowcore->subchannel;

    cpu_self()->interrupts++;
    s390_css_interrupt(lowcore);
    finish(frame, TRACE_INTERRUPT, subchannel, begin);
}
