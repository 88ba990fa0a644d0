/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between libFuzzer and a target: the input, and a look at what no sanitizer sees.
 */
#include "fuzz.h"
#include "shim.h"
#include "unit.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *next, *end;

/* How many inputs were begun; odd while one is worked on. */
static volatile sig_atomic_t steps;

bool fuzz_more(void)
{
    return next < end;
}

uint8_t fuzz_byte(void)
{
    return next < end ? *next++ : 0;
}

uint64_t fuzz_number(unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)fuzz_byte() << 8 * i;
    return value;
}

unsigned fuzz_below(unsigned limit)
{
    return (unsigned)(fuzz_number(limit > 256 ? 2 : 1) % limit);
}

size_t fuzz_bytes(void *to, size_t length)
{
    size_t here = MIN(length, (size_t)(end - next));

    if (here)
        memcpy(to, next, here);
    memset((uint8_t *)to + here, 0, length - here);
    next += here;
    return here;
}

const uint8_t *fuzz_rest(size_t *length)
{
    const uint8_t *rest = next;

    *length = (size_t)(end - next);
    next = end;
    return rest;
}

/*
 * Every second of processor time. Elapsed time would find a busy machine, not a slow input.
 * When it comes is chance, so it may not count as covered code.
 */
__attribute__((no_sanitize("coverage"))) static void on_second(int signal UNUSED)
{
    static sig_atomic_t before;

    if (steps % 2 && steps == before)
        abort(); /* more than a second for one input */
    before = steps;
}

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
    static const struct itimerval second = {{1, 0}, {1, 0}};
    struct sigaction action = {.sa_handler = on_second, .sa_flags = SA_RESTART | SA_ONSTACK};

    fuzz_start();
    sigaction(SIGPROF, &action, NULL);
    setitimer(ITIMER_PROF, &second, NULL);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    next = data;
    end = data + size;
    unit_random_seed(0);
    steps++;
    fuzz_run();
    steps++;
    return 0;
}
