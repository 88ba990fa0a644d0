/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatting, the command line, symbols, the console and the trace ring. The unit tests go
 * deeper into the first two: this shows that they work on the machine's own ABI.
 */
#include "guest.h"
#include <arch/console.h>
#include <arch/layout.h>
#include <arch/trap.h>
#include <neap/backtrace.h>
#include <neap/cmdline.h>
#include <neap/console.h>
#include <neap/cpu.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/symbols.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <neap/trace.h>
#include <string.h>

static void test_format(struct selftest *t)
{
    char text[64], size[FORMAT_SIZE_MAX];

    EXPECT_EQ(t,
              format_string(text, sizeof(text), "%d %5u|%-4x|%08lx %s %c%%", -12, 34u, 0xabu,
                            0x1234ul, "text", 'z'),
              31);
    EXPECT(t, strcmp(text, "-12    34|ab  |00001234 text z%") == 0);
    EXPECT_EQ(t, format_string(text, 4, "%s", "longer"), 6);
    EXPECT(t, strcmp(text, "lon") == 0);
    EXPECT(t, strcmp(format_size(size, 3 * GIB / 2), "1.5 GiB") == 0);
}
SELFTEST(format_basics, test_format);

static void test_cmdline(struct selftest *t)
{
    char **argv;
    bool on = false;

    EXPECT_EQ(t, parse_on_off("yes", &on), 0);
    EXPECT(t, on);
    EXPECT_EQ(t, parse_on_off("perhaps", &on), -EINVAL);
    EXPECT(t, cmdline_app_args(&argv) >= 1);
    EXPECT(t, argv[0] != NULL && argv[cmdline_app_args(&argv)] == NULL);
    EXPECT(t, cmdline_text() != NULL);
}
SELFTEST(cmdline_is_there, test_cmdline);

static void test_errors(struct selftest *t)
{
    EXPECT(t, strcmp(error_name(-ENOMEM), "ENOMEM") == 0);
    EXPECT(t, strcmp(error_name(ETIMEDOUT), "ETIMEDOUT") == 0);
    EXPECT(t, strcmp(error_name(-9999), "unknown error") == 0);
}
SELFTEST(errors_have_names, test_errors);

static void test_symbols(struct selftest *t)
{
    uintptr_t offset = 1;
    const char *name = symbol_lookup((uintptr_t)selftest_run, &offset);

    EXPECT(t, symbol_count() > 100);
    EXPECT(t, name != NULL && strcmp(name, "selftest_run") == 0);
    EXPECT_EQ(t, offset, 0);
    name = symbol_lookup((uintptr_t)selftest_run + 1, &offset);
    EXPECT(t, name != NULL && strcmp(name, "selftest_run") == 0);
    EXPECT_EQ(t, offset, 1);
    EXPECT(t, symbol_lookup((uintptr_t)&offset, NULL) == NULL);
    EXPECT(t, symbol_lookup(0, NULL) == NULL);
}
SELFTEST(symbols_name_functions, test_symbols);

/* The stack that backtraces walk: the caller's caller must be on it. */
static __attribute__((noinline)) void check_backtrace(struct selftest *t)
{
    uintptr_t fp = frame_pointer(), pc = 0;
    bool found = false;

    for (unsigned depth = 0; depth < 8 && backtrace_step(&fp, &pc); depth++) {
        const char *name = symbol_lookup(pc - 1, NULL);

        found |= name != NULL && strcmp(name, "selftest_run") == 0;
    }
    EXPECT(t, found);
}

static void test_backtrace(struct selftest *t)
{
    check_backtrace(t);
    EXPECT(t, frame_pointer() != 0); /* keeps the call above from being the last thing */
}
SELFTEST(backtrace_finds_the_caller, test_backtrace);

static void test_unwind(struct selftest *t)
{
    uintptr_t fp = frame_pointer(), pc = 0, offset;
    uintptr_t nowhere[] = {
        0, 8, 1, UINTPTR_MAX, UINTPTR_MAX - 15, UINT64_C(0xffffc00000000000)};
    unsigned steps = 0;

    while (steps < 64 && backtrace_step(&fp, &pc)) {
        EXPECT(t, symbol_lookup(pc, &offset) != NULL);
        steps++;
    }
    EXPECT(t, steps >= 2 && steps < 64);
    for (unsigned i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
        fp = nowhere[i];
        EXPECT(t, !backtrace_step(&fp, &pc));
    }
}
SELFTEST(unwinding_never_faults, test_unwind);

static void test_console(struct selftest *t)
{
    char typed[8];
    irqflags_t flags;
    int result = 1;

    /* First what somebody typed before: the serial line may still deliver it. */
    for (unsigned reads = 0; reads < 1000 && result > 0; reads++)
        result = console_read(typed, sizeof(typed), 20 * NS_PER_MS);
    EXPECT_EQ(t, result, -ETIMEDOUT);
    flags = arch_irq_save();
    console_input('o');
    console_input('k');
    arch_irq_restore(flags);
    EXPECT_EQ(t, console_read(typed, sizeof(typed), PATIENCE_NS), 2);
    EXPECT(t, memcmp(typed, "ok", 2) == 0);
}
SELFTEST(console_delivers_what_is_typed, test_console);

/* ---- the trace ring ---- */

static void check_ring(struct selftest *t, unsigned cpu)
{
    const struct trace_ring *ring = trace_ring_of(cpu);
    uint64_t count, first;

    EXPECT(t, ring != NULL);
    if (ring == NULL)
        return;
    EXPECT(t, memcmp(ring->magic, TRACE_MAGIC, sizeof(ring->magic)) == 0);
    EXPECT_EQ(t, ring->byte_order, TRACE_BYTE_ORDER);
    EXPECT_EQ(t, ring->record_size, sizeof(struct trace_event));
    EXPECT_EQ(t, ring->cpu, cpu);
    EXPECT(t, ring->arch[0] != '\0');
    count = READ_ONCE(ring->count);
    first = count >= ring->capacity ? count - ring->capacity + 1 : 0;
    for (uint64_t n = first; n < count; n++) {
        struct trace_event event = ring->events[n % ring->capacity];

        if (READ_ONCE(ring->count) - n >= ring->capacity)
            continue; /* overwritten meanwhile */
        EXPECT(t, event.begin_ns <= event.end_ns);
        EXPECT(t, event.reason > TRACE_NONE && event.reason <= TRACE_IPI);
        EXPECT_EQ(t, event.cpu, cpu);
    }
}

static void nothing(void *arg UNUSED)
{
}

static void test_trace(struct selftest *t)
{
    const struct trace_ring *ring;
    struct trace_event event;
    uint64_t now = clock_ns();

    preempt_disable();
    ring = trace_ring_of(cpu_self()->number);
    if (ring) {
        irqflags_t flags = arch_irq_save();

        trace_record(TRACE_KICK, 7, 0x1000, 0x2000, now, now + 5);
        event = ring->events[(ring->count - 1) % ring->capacity];
        arch_irq_restore(flags);
        EXPECT_EQ(t, event.code, 7);
        EXPECT_EQ(t, event.address, 0x1000);
        EXPECT_EQ(t, event.pc, 0x2000);
        EXPECT_EQ(t, event.end_ns - event.begin_ns, 5);
        EXPECT_EQ(t, event.reason, TRACE_KICK);
    }
    preempt_enable();
    smp_call_others(nothing, NULL); /* an event on every other CPU */
    for (unsigned i = 0; i < cpu_count(); i++)
        check_ring(t, i);
}
SELFTEST(trace_records_events, test_trace);

/* The start of a page: some CPUs tell no more of an address. */
#define NOTHING_THERE (2 * PAGE_SIZE)

static void trap(void *arg)
{
    *(volatile char *)arg = 1;
}

static bool last_trap_is(const struct trace_ring *ring, uint64_t address)
{
    uint64_t count = READ_ONCE(ring->count);

    for (uint64_t back = 1; back <= count && back < ring->capacity / 2; back++) {
        struct trace_event event = ring->events[(count - back) % ring->capacity];

        if (event.reason == TRACE_TRAP)
            return event.address == address;
    }
    return false;
}

static void test_trace_trap(struct selftest *t)
{
    preempt_disable();
    EXPECT(t, arch_trap_expect(trap, (void *)NOTHING_THERE, NULL) >= 0);
    EXPECT(t, last_trap_is(trace_ring_of(cpu_self()->number), NOTHING_THERE));
    preempt_enable();
}
SELFTEST(trace_records_traps, test_trace_trap);
