/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench: what the kernel's basic operations cost.
 */
#include "commands.h"
#include <neap/bench.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/memory.h>
#include <neap/sections.h>
#include <string.h>

#define CHURN_ROUNDS 4

LINKER_TABLE(struct bench, bench);

static void run_one(const struct bench *bench, const struct bench_result *asked, bool machine)
{
    struct bench_result result = *asked;
    uint64_t per_op;

    bench->run(&result);
    per_op = result.ops ? result.cycles / result.ops : 0;
    if (machine && result.skipped)
        kprintf("bench=%s skipped=1\n", bench->name);
    else if (machine)
        kprintf("bench=%s ops=%llu cycles=%llu cycles_per_op=%llu ns_per_op=%llu\n",
                bench->name, (unsigned long long)result.ops, (unsigned long long)result.cycles,
                (unsigned long long)per_op, (unsigned long long)arch_cycles_to_ns(per_op));
    else if (result.skipped)
        kprintf("  %-10s skipped: %s\n", bench->name, result.skipped);
    else
        kprintf("  %-10s %8llu %12llu %10llu  %s\n", bench->name,
                (unsigned long long)result.ops, (unsigned long long)per_op,
                (unsigned long long)arch_cycles_to_ns(per_op), bench->what);
}

/* Half of what is free, but no more than shows the cost. */
static uint64_t default_churn(void)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return MIN(stats.free / 2, 256 * MIB);
}

static int bench(int argc, char **argv)
{
    bool machine = shell_wants_machine(argc, argv), found = false;
    const char *name = shell_word(argc, argv, 0), *size = shell_word(argc, argv, 1);
    const char *rounds = shell_word(argc, argv, 2);
    struct bench_result asked = {.bytes = default_churn(), .rounds = CHURN_ROUNDS};
    const struct bench *pos;

    if ((size && shell_number(size, &asked.bytes) != 0) ||
        (rounds && shell_number(rounds, &asked.rounds) != 0))
        return -EINVAL;
    if (!machine)
        kprintf("  %-10s %8s %12s %10s  %s\n", "bench", "ops", "cycles/op", "ns/op", "what");
    LINKER_TABLE_FOR_EACH(pos, bench)
    {
        if (name && strcmp(name, pos->name) != 0)
            continue;
        run_one(pos, &asked, machine);
        found = true;
    }
    return found ? 0 : -EINVAL;
}
SHELL_COMMAND(bench, "bench [<name> [<size> [<rounds>]]] [--machine]",
              "what basic operations cost", bench);
