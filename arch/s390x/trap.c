/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Program checks and machine checks: recovery where one was expected, the report where not.
 */
#include "s390x.h"
#include <arch/clock.h>
#include <arch/layout.h>
#include <arch/thread.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <neap/space.h>
#include <neap/thread.h>
#include <neap/trace.h>
#include <neap/vmap.h>

/* Translation-exception identification. */
#define TEID_ADDRESS UINT64_C(0xfffffffffffff000)
#define TEID_STORE   UINT64_C(0x800)
#define TEID_EXEC    UINT64_C(0x080) /* protection: no-execute */
#define TEID_DAT     UINT64_C(0x004) /* protection: by a table; else by low-address protection */

extern char arch_safe_read_access[], arch_safe_read_failed[], s390_expect_landing[];
extern char s390_external_entry[], s390_io_entry[], s390_svc_entry[], s390_program_entry[],
    s390_mcheck_entry[], s390_restart_entry[];

int s390_expect_call(void (*fn)(void *), void *arg, uint64_t *stack);
void s390_program_check(struct trap_frame *frame);
void s390_svc(struct trap_frame *frame) __attribute__((noreturn));
void s390_restart(struct trap_frame *frame) __attribute__((noreturn));
void s390_stack_overflow(struct trap_frame *frame) __attribute__((noreturn));

/* Where a trap shall continue that someone waits for. One at a time. */
static struct {
    const struct thread *thread; /* NULL: nobody waits */
    uint64_t stack;
    uintptr_t address;
} expected;

static const struct {
    uint8_t code;
    const char *name;
} names[] = {
    {PROGRAM_OPERATION, "operation exception"},
    {PROGRAM_PRIVILEGED, "privileged-operation exception"},
    {0x03, "execute exception"},
    {PROGRAM_PROTECTION, "protection exception"},
    {PROGRAM_ADDRESSING, "addressing exception"},
    {PROGRAM_SPECIFICATION, "specification exception"},
    {0x07, "data exception"},
    {0x09, "fixed-point divide exception"},
    {PROGRAM_SEGMENT_TRANSLATION, "segment-translation exception"},
    {PROGRAM_PAGE_TRANSLATION, "page-translation exception"},
    {0x12, "translation-specification exception"},
    {0x13, "special-operation exception"},
    {0x15, "operand exception"},
    {PROGRAM_ASCE_TYPE, "ASCE-type exception"},
    {PROGRAM_REGION_FIRST, "region-first-translation exception"},
    {PROGRAM_REGION_SECOND, "region-second-translation exception"},
    {PROGRAM_REGION_THIRD, "region-third-translation exception"},
};

static const char *exception_name(uint64_t code)
{
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i].code == code)
            return names[i].name;
    return "program check";
}

void s390_lowcore_init(struct lowcore *lowcore, struct cpu *cpu, uint64_t spare_stack)
{
    lowcore->restart_new =
        (struct psw){PSW_KERNEL & ~PSW_MCHECK, (uintptr_t)s390_restart_entry};
    lowcore->ext_new = (struct psw){PSW_KERNEL, (uintptr_t)s390_external_entry};
    lowcore->svc_new = (struct psw){PSW_KERNEL, (uintptr_t)s390_svc_entry};
    lowcore->program_new = (struct psw){PSW_KERNEL, (uintptr_t)s390_program_entry};
    lowcore->mcheck_new = (struct psw){PSW_KERNEL & ~PSW_MCHECK, (uintptr_t)s390_mcheck_entry};
    lowcore->io_new = (struct psw){PSW_KERNEL, (uintptr_t)s390_io_entry};
    lowcore->entering = 0;
    lowcore->self = cpu;
    lowcore->spare_stack = spare_stack;
}

void arch_trap_init_cpu(void)
{
    /* The lowcore was complete before this CPU came here: nothing works without it. */
}

static bool is_translation(uint64_t code)
{
    return code == PROGRAM_SEGMENT_TRANSLATION || code == PROGRAM_PAGE_TRANSLATION ||
           (code >= PROGRAM_ASCE_TYPE && code <= PROGRAM_REGION_THIRD);
}

/* A page of the application's address space that is to be filled in or is being moved. */
static bool fill_in(struct trap_frame *frame, unsigned length)
{
    bool interrupts = frame->psw.mask & PSW_EXT, protection = frame->code == PROGRAM_PROTECTION;
    bool done;
    unsigned access = SPACE_READ;

    if (!space_contains(frame->address & TEID_ADDRESS) ||
        frame->psw.address == (uintptr_t)arch_safe_read_access)
        return false;
    if (protection)
        access = frame->address & TEID_EXEC ? SPACE_EXEC : SPACE_WRITE;
    else if (!is_translation(frame->code))
        return false;
    else if (frame->address & TEID_STORE)
        access = SPACE_WRITE;
    if (interrupts)
        arch_irq_enable();
    done = space_fault(frame->address & TEID_ADDRESS, access, interrupts && thread_may_sleep());
    arch_irq_disable();
    /* A protection exception ends the instruction; it is to be executed once more. */
    if (done && protection)
        frame->psw.address -= length;
    return done;
}

int arch_trap_expect(void (*fn)(void *), void *arg, uintptr_t *fault_address)
{
    int code;

    ASSERT(!expected.thread);
    expected.address = 0;
    expected.thread = thread_current();
    code = s390_expect_call(fn, arg, &expected.stack);
    expected.thread = NULL;
    if (fault_address)
        *fault_address = expected.address;
    return code;
}

static bool recover(struct trap_frame *frame, unsigned length)
{
    uintptr_t at = frame->psw.address - (is_translation(frame->code) ? 0 : length);

    if (at == (uintptr_t)arch_safe_read_access) {
        frame->psw.address = (uintptr_t)arch_safe_read_failed;
        return true;
    }
    if (!expected.thread || expected.thread != cpu_self()->current)
        return false;
    expected.address = frame->address & TEID_ADDRESS;
    frame->psw.address = (uintptr_t)s390_expect_landing;
    frame->gprs[15] = expected.stack;
    frame->gprs[2] = frame->code;
    return true;
}

void s390_program_check(struct trap_frame *frame)
{
    const struct lowcore *lowcore = lowcore_self();
    unsigned length = lowcore->program_length;
    uint64_t begin = arch_clock_ns();

    frame->code = lowcore->program_code & PROGRAM_CODE_MASK;
    frame->address = is_translation(frame->code) || frame->code == PROGRAM_PROTECTION
                         ? lowcore->translation_id
                         : 0;
    trace_record(TRACE_TRAP, frame->code, frame->address & TEID_ADDRESS, frame->psw.address,
                 begin, arch_clock_ns());
    if (fill_in(frame, length) || recover(frame, length))
        return;
    if (stack_guard_hit(frame->address & TEID_ADDRESS))
        s390_stack_overflow(frame);
    panic_trap(frame, exception_name(frame->code), frame->code, frame->address & TEID_ADDRESS);
}

/*
 * The function that found no room has not stored its back chain yet: the stack pointer of its
 * caller is still in one of its registers, the nearest one above its own.
 */
static uint64_t lost_back_chain(const struct trap_frame *frame)
{
    uint64_t own = frame->gprs[15], nearest = own + THREAD_STACK_SIZE;

    for (unsigned i = 0; i < 15; i++)
        if (frame->gprs[i] > own && frame->gprs[i] < nearest)
            nearest = frame->gprs[i];
    return nearest;
}

void s390_stack_overflow(struct trap_frame *frame)
{
    const struct lowcore *lowcore = lowcore_self();
    const struct thread *thread = cpu_self()->current;

    frame->code = lowcore->program_code & PROGRAM_CODE_MASK;
    frame->address = lowcore->translation_id;
    frame->back_chain = lost_back_chain(frame);
    log_emergency("stack overflow of thread %s (guard page at %#lx)\n",
                  thread ? thread->name : "boot",
                  (unsigned long)(frame->address & TEID_ADDRESS));
    panic_trap(frame, exception_name(frame->code), frame->code, frame->address & TEID_ADDRESS);
}

void s390_svc(struct trap_frame *frame)
{
    frame->address = 0;
    frame->code = lowcore_self()->svc_code;
    panic_trap(frame, "supervisor call", frame->code, 0);
}

void s390_restart(struct trap_frame *frame)
{
    frame->address = frame->code = 0;
    panic_trap(frame, "restart interruption", 0, 0);
}
