/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel command line: key=value words; after "--" come the application's arguments.
 */
#ifndef NEAP_CMDLINE_H
#define NEAP_CMDLINE_H

#include <neap/compiler.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * One key, declared by the module that owns it:
 *
 *   static int set_order(const char *value) { ... return 0 or -EINVAL, -ERANGE ... }
 *   CMDLINE_KEY(reporting_order, "0-10: smallest order reported to the host", set_order);
 *
 * The setter runs on the boot CPU before memory management and threads exist: it only stores.
 * It gets "" for a word without "=". An error is reported with the key, the value and the help
 * text; the setting keeps what it had.
 */
struct cmdline_key {
    const char *name;
    const char *help;
    int (*set)(const char *value);
};

#define CMDLINE_KEY(key, help_text, setter)                                           \
    static const struct cmdline_key cmdline_key_##key LINKER_TABLE_ENTRY(cmdline) = { \
        #key, help_text, setter}

/* Parse; unknown keys get one warning each that names them. Boot CPU, once. */
void cmdline_parse(const char *text);

/* The whole line as the loader gave it. */
const char *cmdline_text(void);

/* The application's arguments (argv[0] is the application's name). */
int cmdline_app_args(char ***argv);

/* Print every key with its help text, for `help boot`. Thread context. */
void cmdline_print_keys(void);

/* Parse "on"/"off" (also 1/0, yes/no). Returns 0 or -EINVAL. */
int parse_on_off(const char *text, bool *value);

#endif
