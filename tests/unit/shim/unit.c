/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests say and ask for, whoever runs them. */
#include "unit.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

jmp_buf unit_panic_target;
bool unit_panic_expected;

static uint64_t random_state;

/* Leaks are looked for in the kernel's own accounting; what the kernel maps is not malloc's. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:allow_user_segv_handler=1:handle_segv=1:abort_on_error=0";
}

static void print_line(const char *prefix, const char *fmt, va_list args)
{
    printf("# %s", prefix);
    vprintf(fmt, args);
    printf("\n");
    fflush(stdout);
}

void unit_fail(const char *file, int line, const char *fmt, ...)
{
    char prefix[256];
    va_list args;

    snprintf(prefix, sizeof(prefix), "%s:%d: ", file, line);
    va_start(args, fmt);
    print_line(prefix, fmt, args);
    va_end(args);
    exit(1);
}

void unit_skip(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    print_line("skipped: ", fmt, args);
    va_end(args);
    exit(UNIT_SKIPPED);
}

void unit_note(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    print_line("", fmt, args);
    va_end(args);
}

uint64_t unit_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

uint64_t unit_random_below(uint64_t limit)
{
    return unit_random() % limit;
}

void unit_random_seed(uint64_t number)
{
    const char *seed = getenv("UNIT_SEED");

    random_state = UINT64_C(0x9e3779b97f4a7c15) * (number + 1);
    if (seed)
        random_state ^= strtoull(seed, NULL, 0) * UINT64_C(0xbf58476d1ce4e5b9);
    for (int i = 0; i < 8; i++)
        unit_random();
}
