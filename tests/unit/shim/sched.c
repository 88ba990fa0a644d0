/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: threads as coroutines, and waiting in virtual time. */
#include "fiber.h"
#include "host_cpu.h"
#include "shim.h"
#include "unit.h"
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(fake, bottom, size) ((void)(fake))
#define __sanitizer_finish_switch_fiber(fake, bottom, size)
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_BYTES (256 * 1024)
#define MAIN_THREAD 0
#define RELAX_NS    1000

bool shim_chaos_held;
bool shim_chaos_calls;

struct fiber *fibers[THREADS_MAX];
unsigned nr_fibers;
struct fiber *running;

static struct fiber *previous;
static uint64_t chaos_state;
static bool escaping;

static uint64_t chaos_random(void)
{
    chaos_state ^= chaos_state << 13;
    chaos_state ^= chaos_state >> 7;
    chaos_state ^= chaos_state << 17;
    return chaos_state;
}

void shim_chaos(uint64_t seed)
{
    chaos_state = seed * UINT64_C(0x9e3779b97f4a7c15);
}

struct thread *thread_current(void)
{
    return &running->thread;
}

bool shim_on_main_stack(void)
{
    return running == fibers[MAIN_THREAD];
}

bool thread_may_sleep(void)
{
    const struct cpu *cpu = cpu_self();

    return arch_irqs_enabled() && !cpu->nr_locks_held && !cpu->preempt_disabled &&
           !shim_in_interrupt();
}

/* Run what is due; wake sleepers whose time is over. */
static void run_due(void)
{
    shim_timers_run();
    for (unsigned i = 0; i < nr_fibers; i++) {
        if (fibers[i]->thread.state == THREAD_SLEEPING && fibers[i]->deadline <= shim_clock_ns)
            fibers[i]->thread.state = THREAD_READY;
    }
}

static void fail_deadlock(void)
{
    for (unsigned i = 0; i < nr_fibers; i++) {
        if (fibers[i]->thread.state == THREAD_SLEEPING)
            unit_note("thread %s waits for %s", fibers[i]->thread.name,
                      fibers[i]->queue ? fibers[i]->queue->name : "ever");
    }
    unit_fail(__FILE__, __LINE__, "every thread waits for ever");
}

/* Everything waits: go straight to the next moment at which something happens. */
static void advance_to_next_event(void)
{
    uint64_t next = shim_timers_next();

    for (unsigned i = 0; i < nr_fibers; i++) {
        if (fibers[i]->thread.state == THREAD_SLEEPING)
            next = MIN(next, fibers[i]->deadline);
    }
    if (next == UINT64_MAX)
        fail_deadlock();
    shim_clock_ns = MAX(shim_clock_ns, next);
    run_due();
}

void shim_relax(void)
{
    shim_clock_ns += RELAX_NS;
    if (arch_irqs_enabled() && !shim_in_interrupt())
        run_due();
}

/* --- switching --- */

/* First thing on the new stack: the one left may be dead, and a panic may be on its way. */
static void finish_switch(void)
{
    if (previous && previous->thread.state == THREAD_DEAD) {
        free(previous->host_stack);
        previous->host_stack = NULL;
    }
    if (escaping && shim_on_main_stack()) {
        escaping = false;
        longjmp(unit_panic_target, 1);
    }
}

static void switch_to(struct fiber *next)
{
    struct fiber *self = running;
    bool dying = self->thread.state == THREAD_DEAD;

    if (next == self)
        return;
    next->thread.state = THREAD_RUNNING;
    previous = self;
    running = next;
    shim_current_cpu->current = &next->thread;
    __sanitizer_start_switch_fiber(dying ? NULL : &self->asan_fake, next->asan_bottom,
                                   next->asan_size);
    shim_switch_stack(&self->stack_pointer, next->stack_pointer);
    __sanitizer_finish_switch_fiber(self->asan_fake, NULL, NULL);
    finish_switch();
}

static struct fiber *pick_ready(void)
{
    unsigned start = 0;

    for (unsigned i = 0; i < nr_fibers; i++) {
        if (fibers[i] == running)
            start = i + 1;
    }
    if (chaos_state)
        start = (unsigned)(chaos_random() % nr_fibers);
    for (unsigned i = 0; i < nr_fibers; i++) {
        struct fiber *fiber = fibers[(start + i) % nr_fibers];

        if (fiber->thread.state == THREAD_READY)
            return fiber;
    }
    return NULL;
}

/* A CPU whose thread may be preempted. */
static unsigned random_cpu(void)
{
    unsigned number = (unsigned)(chaos_random() % cpu_count());

    while (cpus[number]->preempt_disabled)
        number = (number + 1) % cpu_count();
    return number;
}

void schedule(void)
{
    struct fiber *next;

    while (!(next = pick_ready()))
        advance_to_next_event();
    if (chaos_state)
        shim_run_on(random_cpu());
    if (next == running)
        next->thread.state = THREAD_RUNNING;
    else
        switch_to(next);
}

void shim_preempt_point(void)
{
    if (chaos_state && !shim_chaos_held && thread_may_sleep() && chaos_random() % 4 == 0) {
        running->thread.state = THREAD_READY;
        schedule();
    }
}

void shim_others_run(void)
{
    unsigned number = cpu_self()->number;

    if (!shim_chaos_calls || !chaos_state || shim_chaos_held || cpu_count() < 2 ||
        cpu_self()->nr_locks_held || !arch_irqs_enabled() || shim_in_interrupt())
        return;
    for (unsigned i = 0; i < cpu_count(); i++) {
        if (i != number && cpus[i]->preempt_disabled)
            return; /* one at a time, so that there is a CPU to run on */
    }
    for (unsigned i = 0; i < 12; i++) {
        running->thread.state = THREAD_READY;
        schedule();
        shim_run_on(number);
    }
}

void thread_yield(void)
{
    struct fiber *next;

    running->thread.state = THREAD_READY;
    next = pick_ready();
    if (next == running) {
        running->thread.state = THREAD_RUNNING;
        shim_relax();
    } else {
        schedule();
    }
}

static void fiber_main(void)
{
    __sanitizer_finish_switch_fiber(NULL, &previous->asan_bottom, &previous->asan_size);
    finish_switch();
    running->entry(running->arg);
    thread_exit();
}

/* A thread for a new coroutine: one that died, or one more. */
static struct fiber *fiber_alloc(void)
{
    for (unsigned i = 0; i < nr_fibers; i++) {
        if (fibers[i]->thread.state == THREAD_DEAD && !fibers[i]->host_stack) {
            memset(fibers[i], 0, sizeof(*fibers[i]));
            fibers[i]->thread.id = i;
            return fibers[i];
        }
    }
    if (nr_fibers == THREADS_MAX)
        return NULL;
    fibers[nr_fibers] = calloc(1, sizeof(*fibers[nr_fibers]));
    fibers[nr_fibers]->thread.id = nr_fibers;
    return fibers[nr_fibers++];
}

struct thread *thread_create(const char *name, enum thread_priority priority,
                             void (*entry)(void *), void *arg)
{
    struct fiber *fiber = fiber_alloc();

    if (!fiber)
        return NULL;
    snprintf(fiber->thread.name, sizeof(fiber->thread.name), "%s", name);
    fiber->thread.priority = priority;
    fiber->thread.state = THREAD_READY;
    fiber->entry = entry;
    fiber->arg = arg;
    fiber->deadline = UINT64_MAX;
    fiber->host_stack = malloc(STACK_BYTES);
    fiber->asan_bottom = fiber->host_stack;
    fiber->asan_size = STACK_BYTES;
    fiber->stack_pointer =
        shim_first_frame((char *)fiber->host_stack + STACK_BYTES, fiber_main);
    return &fiber->thread;
}

void thread_exit(void)
{
    running->thread.state = THREAD_DEAD;
    schedule();
    abort();
}

/* A panic on a coroutine's stack: the jump must start on the test's own stack. */
void shim_escape_to_main(void)
{
    escaping = true;
    fibers[MAIN_THREAD]->thread.state = THREAD_READY;
    switch_to(fibers[MAIN_THREAD]);
    abort();
}

void shim_sched_init(void)
{
    struct fiber *fiber = calloc(1, sizeof(*fiber));

    snprintf(fiber->thread.name, sizeof(fiber->thread.name), "test");
    fiber->thread.state = THREAD_RUNNING;
    fiber->deadline = UINT64_MAX;
    fibers[MAIN_THREAD] = fiber;
    nr_fibers = 1;
    running = fiber;
    shim_current_cpu->current = &fiber->thread;
}
