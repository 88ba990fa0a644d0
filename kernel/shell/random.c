/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random: where random numbers come from.
 */
#include "commands.h"
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/random.h>

static void print_source(const struct random_source *source, void *arg)
{
    const unsigned long long bytes = source->bytes, bits = source->bits;

    if (*(const bool *)arg)
        kprintf("%s_bytes=%llu\n%s_bits=%llu\n", source->name, bytes, source->name, bits);
    else
        kprintf("  %-12s %10llu bytes, counted as %llu bits\n", source->name, bytes, bits);
}

static int run_random(int argc, char **argv)
{
    bool machine = shell_wants_machine(argc, argv);
    struct random_state state;
    uint64_t number;

    if (argc > 1 + machine)
        return -EINVAL;
    if (random_bytes(&number, sizeof(number)) && !machine)
        kprintf("no source is good enough: give the guest a virtio-rng device, or a processor "
                "with random numbers\n");
    random_state_get(&state);
    if (machine)
        kprintf("ready=%d\nbits=%llu\ngiven_bytes=%llu\n", state.ready,
                (unsigned long long)state.bits, (unsigned long long)state.given_bytes);
    else
        kprintf("%s: %llu bits came in (%u are needed), %llu bytes went out\n",
                state.ready ? "ready" : "not ready", (unsigned long long)state.bits,
                RANDOM_BITS_NEEDED, (unsigned long long)state.given_bytes);
    random_for_each_source(print_source, &machine);
    return 0;
}
SHELL_COMMAND(random, "random [--machine]", "where random numbers come from", run_random);
