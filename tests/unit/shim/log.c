/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: log, formatting, panic. Log lines are kept so that tests can count them. */
#include "shim.h"
#include "unit.h"
#include <ctype.h>
#include <errno.h>
#include <neap/backtrace.h>
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <neap/power.h>
#include <neap/sections.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LINES 4096

bool shim_verbose;

static char *lines[LOG_LINES];
static unsigned nr_lines;
static char panic_text[1024];

static void keep(const char *line)
{
    if (nr_lines < LOG_LINES)
        lines[nr_lines++] = strdup(line);
    if (shim_verbose)
        printf("# [%llu us] %s\n", (unsigned long long)shim_clock_ns / 1000, line);
}

unsigned shim_log_count(const char *text)
{
    unsigned count = 0;

    for (unsigned i = 0; i < nr_lines; i++)
        count += strstr(lines[i], text) != NULL;
    return count;
}

void shim_log_clear(void)
{
    while (nr_lines > 0)
        free(lines[--nr_lines]);
}

void log_write(enum log_level level, const char *area, const char *fmt, ...)
{
    char text[512], line[600];
    va_list args;

    (void)level;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    snprintf(line, sizeof(line), "%s: %s", area, text);
    keep(line);
}

void log_set_level(enum log_level level)
{
    (void)level;
}

void log_emergency(const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    keep(text);
}

void kprintf(const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    keep(text);
}

int format_string_v(char *buffer, size_t size, const char *fmt, va_list args)
{
    return vsnprintf(buffer, size, fmt, args);
}

int format_string(char *buffer, size_t size, const char *fmt, ...)
{
    va_list args;
    int length;

    va_start(args, fmt);
    length = vsnprintf(buffer, size, fmt, args);
    va_end(args);
    return length;
}

char *format_size(char buffer[FORMAT_SIZE_MAX], uint64_t bytes)
{
    const char *unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned i = 0;

    while (i + 1 < ARRAY_SIZE(unit) && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        i++;
    }
    snprintf(buffer, FORMAT_SIZE_MAX, "%llu %s", (unsigned long long)bytes, unit[i]);
    return buffer;
}

int parse_size(const char *text, uint64_t *bytes)
{
    static const char suffixes[] = "KMGT";
    char *end;
    uint64_t value = strtoull(text, &end, 0);

    if (end == text || !isdigit((unsigned char)text[0]))
        return -EINVAL;
    if (*end) {
        const char *suffix = strchr(suffixes, toupper((unsigned char)*end));
        unsigned shift = suffix ? 10 * (unsigned)(suffix - suffixes + 1) : 0;

        if (!suffix || end[1])
            return -EINVAL;
        if (value > UINT64_MAX >> shift)
            return -ERANGE;
        value <<= shift;
    }
    *bytes = value;
    return 0;
}

int parse_on_off(const char *text, bool *value)
{
    if (strcmp(text, "on") && strcmp(text, "off"))
        return -EINVAL;
    *value = !strcmp(text, "on");
    return 0;
}

const char *error_name(int error)
{
    const char *name = strerrorname_np(error < 0 ? -error : error);

    return name ? name : "unknown error";
}

void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(panic_text, sizeof(panic_text), fmt, args);
    va_end(args);
    keep(panic_text);
    if (!unit_panic_expected) {
        for (unsigned i = nr_lines > 20 ? nr_lines - 20 : 0; i < nr_lines; i++)
            unit_note("log: %s", lines[i]);
        unit_fail("kernel", 0, "panic: %s", panic_text);
    }
    if (!shim_on_main_stack())
        shim_escape_to_main();
    longjmp(unit_panic_target, 1);
}

void unit_panic_check(const char *file, int line, const char *text)
{
    unit_panic_expected = false;
    shim_sched_reset_after_panic();
    if (!strstr(panic_text, text))
        unit_fail(file, line, "panic says \"%s\", expected \"%s\"", panic_text, text);
}

void backtrace_print(uintptr_t pc, uintptr_t fp)
{
    (void)pc;
    (void)fp;
}

void arch_poweroff(enum exit_status status)
{
    panic("machine off with status %d", (int)status);
}

void arch_reboot(void)
{
    panic("machine reset");
}

void shutdown_register(struct shutdown_hook *hook)
{
    (void)hook;
}

LINKER_TABLE(struct cmdline_key, cmdline);

int shim_cmdline_set(const char *name, const char *value)
{
    const struct cmdline_key *key;

    LINKER_TABLE_FOR_EACH(key, cmdline)
    {
        if (!strcmp(key->name, name))
            return key->set(value);
    }
    return -ENOENT;
}
