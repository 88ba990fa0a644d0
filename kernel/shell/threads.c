/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * threads: who runs, who waits, and for what.
 */
#include "commands.h"
#include <neap/alloc.h>
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/log.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <string.h>

/* What is printed of a thread: taken under the list's lock, shown without it. */
struct row {
    char name[THREAD_NAME_MAX];
    const char *waits_for;
    uint64_t run_us;
    uint32_t id;
    unsigned cpu;
    enum thread_state state;
    enum thread_priority priority;
};

struct snapshot {
    struct row *rows;
    unsigned capacity;
    unsigned count; /* may exceed the capacity */
};

static void count_thread(const struct thread *thread UNUSED, void *arg)
{
    (*(unsigned *)arg)++;
}

static void take_row(const struct thread *thread, void *arg)
{
    struct snapshot *snapshot = arg;
    struct row *row = &snapshot->rows[snapshot->count];
    uint64_t run_ns = thread->run_ns;

    if (snapshot->count++ >= snapshot->capacity)
        return;
    if (thread->state == THREAD_RUNNING)
        run_ns += clock_ns() - thread->started_ns;
    memcpy(row->name, thread->name, sizeof(row->name));
    row->waits_for = thread->state == THREAD_SLEEPING ? thread->wait_name : "";
    row->run_us = run_ns / NS_PER_US;
    row->id = thread->id;
    row->cpu = thread->cpu;
    row->state = thread->state;
    row->priority = thread->priority;
}

static void print_row(const struct row *row, bool machine)
{
    static const char *const states[] = {"ready", "running", "sleeping", "dead"};
    const char *priority = row->priority == THREAD_NORMAL ? "normal" : "background";

    if (machine)
        kprintf("id=%u name=%s state=%s priority=%s cpu=%u run_us=%llu waits_for=%s\n", row->id,
                row->name, states[row->state], priority, row->cpu,
                (unsigned long long)row->run_us, row->waits_for);
    else
        kprintf("  %4u %-16s %-9s %-11s %3u %10llu.%03llu  %s\n", row->id, row->name,
                states[row->state], priority, row->cpu,
                (unsigned long long)(row->run_us / 1000),
                (unsigned long long)(row->run_us % 1000), row->waits_for);
}

static int threads(int argc, char **argv)
{
    bool machine = shell_wants_machine(argc, argv);
    struct snapshot snapshot = {0};

    thread_for_each(count_thread, &snapshot.capacity);
    snapshot.capacity += 8; /* threads may be born meanwhile */
    snapshot.rows = kcalloc(snapshot.capacity, sizeof(struct row), ALLOC_DEFAULT);
    if (snapshot.rows == NULL)
        return -ENOMEM;
    thread_for_each(take_row, &snapshot);
    if (!machine)
        kprintf("  %4s %-16s %-9s %-11s %3s %14s  %s\n", "id", "name", "state", "priority",
                "CPU", "run ms", "waits for");
    for (unsigned i = 0; i < MIN(snapshot.count, snapshot.capacity); i++)
        print_row(&snapshot.rows[i], machine);
    kfree(snapshot.rows);
    return 0;
}
SHELL_COMMAND(threads, "threads [--machine]", "threads, their state and their run time",
              threads);
