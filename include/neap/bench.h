/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measurements of the `bench` command. One is a function and one macro line.
 */
#ifndef NEAP_BENCH_H
#define NEAP_BENCH_H

#include <arch/clock.h>
#include <neap/compiler.h>
#include <stdint.h>

struct bench_result {
    /* set by the command: what a person asked for, where the measurement has a size */
    uint64_t bytes;
    uint64_t rounds;
    /* set by the measurement */
    uint64_t ops;
    uint64_t cycles;     /* arch_cycles() of all operations together */
    const char *skipped; /* why there is no result */
};

struct bench {
    const char *name;
    const char *what; /* of one operation */
    /* Runs in thread context, never twice at once; the result is zeroed but for what is asked.
     */
    void (*run)(struct bench_result *result);
};

#define BENCH(fn, name, what) \
    static const struct bench bench_##fn LINKER_TABLE_ENTRY(bench) = {name, what, fn}

#endif
