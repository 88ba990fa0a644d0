/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traps: recovery where one was expected, the report where not.
 */
#include "x86.h"
#include <arch/clock.h>
#include <arch/trap.h>
#include <neap/cpu.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <neap/space.h>
#include <neap/thread.h>
#include <neap/trace.h>
#include <neap/vmap.h>

extern char arch_safe_read_access[], arch_safe_read_failed[], x86_expect_landing[];

int x86_expect_call(void (*fn)(void *), void *arg, uint64_t *stack);
int x86_user_call(uintptr_t pc, uintptr_t sp, uint64_t *stack);
/* A page of the application's address space that is to be filled in or is being moved. */
static bool fill_in(const struct trap_frame *frame, uintptr_t address)
{
    bool interrupts = frame->rflags & RFLAGS_IF, done;
    unsigned access = frame->error & FAULT_WRITE ? SPACE_WRITE : SPACE_READ;

    if (frame->vector != VECTOR_PAGE_FAULT || !space_contains(address) ||
        (frame->error & (FAULT_USER | FAULT_RESERVED)) ||
        frame->rip == (uintptr_t)arch_safe_read_access)
        return false;
    if (frame->error & FAULT_FETCH)
        access = SPACE_EXEC;
    if (interrupts)
        arch_irq_enable();
    done = space_fault(address, access, interrupts && thread_may_sleep());
    arch_irq_disable();
    return done;
}

void x86_trap_dispatch(struct trap_frame *frame);

/* Where a trap shall continue that someone waits for. One at a time. */
static struct {
    const struct thread *thread; /* NULL: nobody waits */
    uint64_t stack;
    uintptr_t address;
    struct x86_user_trap *user; /* traps from ring 3 alone */
} expected;

static const char *const exception_names[NR_EXCEPTIONS] = {
    [0] = "divide error",
    [1] = "debug exception",
    [VECTOR_NMI] = "non-maskable interrupt",
    [3] = "breakpoint",
    [4] = "overflow",
    [5] = "bound range exceeded",
    [6] = "invalid opcode",
    [7] = "device not available",
    [VECTOR_DOUBLE_FAULT] = "double fault",
    [10] = "invalid task state segment",
    [11] = "segment not present",
    [12] = "stack segment fault",
    [VECTOR_GENERAL_PROTECTION] = "general protection fault",
    [VECTOR_PAGE_FAULT] = "page fault",
    [16] = "x87 floating-point error",
    [17] = "alignment check",
    [VECTOR_MACHINE_CHECK] = "machine check",
    [19] = "SIMD floating-point error",
    [20] = "virtualization exception",
    [21] = "control protection exception",
};

static const char *exception_name(uint64_t vector)
{
    const char *name = vector < NR_EXCEPTIONS ? exception_names[vector] : NULL;

    return name ? name : "unknown exception";
}

int arch_trap_expect(void (*fn)(void *), void *arg, uintptr_t *fault_address)
{
    int vector;

    ASSERT(!expected.thread);
    expected.user = NULL;
    expected.address = 0;
    expected.thread = thread_current();
    vector = x86_expect_call(fn, arg, &expected.stack);
    expected.thread = NULL;
    if (fault_address)
        *fault_address = expected.address;
    return vector;
}

void x86_run_user(uintptr_t pc, uintptr_t sp, struct x86_user_trap *trap)
{
    struct x86_tss *tss = &cpu_self()->arch.tss;

    ASSERT(!arch_irqs_enabled() && !expected.thread);
    expected.user = trap;
    expected.thread = thread_current();
    /* The trap comes in on the trap stack of a double fault: this thread's own is in use. */
    tss->rsp[0] = tss->ist[0];
    x86_user_call(pc, sp, &expected.stack);
    expected.thread = NULL;
}

/* Continue in x86_expect_call() or x86_user_call() on the stack that it left. */
static void land(struct trap_frame *frame)
{
    frame->rip = (uintptr_t)x86_expect_landing;
    frame->cs = SELECTOR_KERNEL_CODE;
    frame->ss = SELECTOR_KERNEL_DATA;
    frame->rsp = expected.stack;
    frame->rax = frame->vector;
}

static bool recover(struct trap_frame *frame, uintptr_t address)
{
    if (frame->rip == (uintptr_t)arch_safe_read_access && !trap_from_user(frame)) {
        frame->rip = (uintptr_t)arch_safe_read_failed;
        return true;
    }
    if (!expected.thread || expected.thread != cpu_self()->current ||
        frame->vector == VECTOR_NMI || frame->vector == VECTOR_MACHINE_CHECK)
        return false;
    if (trap_from_user(frame) != (expected.user != NULL))
        return false;
    if (expected.user) {
        expected.user->vector = (int)frame->vector;
        expected.user->error = frame->error;
        expected.user->pc = frame->rip;
        frame->rflags &= ~RFLAGS_IF;
    }
    expected.address = address;
    land(frame);
    return true;
}

static void report(struct trap_frame *frame, uintptr_t address)
{
    /* A push onto the guard page faults twice: the second time for want of a stack. */
    bool may_overflow =
        frame->vector == VECTOR_PAGE_FAULT || frame->vector == VECTOR_DOUBLE_FAULT;
    const struct thread *thread = cpu_self()->current;

    if (may_overflow && (stack_guard_hit(address) || x86_boot_guard_hit(address)))
        log_emergency("stack overflow of thread %s (guard page at %#lx)\n",
                      thread ? thread->name : "boot", (unsigned long)address);
    panic_trap(frame, exception_name(frame->vector), frame->error, address);
}

void x86_trap_dispatch(struct trap_frame *frame)
{
    uint64_t begin;
    uintptr_t address = 0;

    if (frame->vector == VECTOR_USER_RETURN && trap_from_user(frame)) {
        if (recover(frame, 0))
            return;
    } else if (frame->vector >= NR_EXCEPTIONS) {
        x86_irq_dispatch(frame);
        return;
    }
    begin = arch_clock_ns();
    if (frame->vector == VECTOR_PAGE_FAULT || frame->vector == VECTOR_DOUBLE_FAULT)
        address = cr2_read();
    if (frame->vector == VECTOR_NMI)
        x86_stop_if_asked();
    trace_record(TRACE_TRAP, frame->vector, address, frame->rip, begin, arch_clock_ns());
    if (!fill_in(frame, address) && !recover(frame, address))
        report(frame, address);
}
