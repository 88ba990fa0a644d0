/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel command line, and what the keys of memory management and drivers make of their
 * values.
 */
/* The shim has functions of these names; here the kernel's own are fuzzed. */
#define parse_on_off fuzzed_parse_on_off
#define parse_size   fuzzed_parse_size
#define format_size  fuzzed_format_size

#include "../../kernel/size.c"

#include "../../kernel/cmdline.c"

#include "fuzz.h"
#include "shim.h"
#include "unit.h"

void fuzz_start(void)
{
    shim_init();
}

void fuzz_run(void)
{
    char text[2 * BOOT_CMDLINE_MAX], size[FORMAT_SIZE_MAX], **argv;
    size_t length = fuzz_bytes(text, sizeof(text) - 1);
    uint64_t bytes;
    int argc;
    bool on;

    text[length] = '\0';
    app_argc = 1;
    cmdline_parse(text);
    argc = cmdline_app_args(&argv);
    CHECK(argc >= 1 && argc <= APP_ARGS_MAX && argv[argc] == NULL);
    CHECK(strlen(cmdline_text()) < BOOT_CMDLINE_MAX);
    if (parse_size(text, &bytes) == 0)
        CHECK(strlen(format_size(size, bytes)) < FORMAT_SIZE_MAX);
    (void)parse_on_off(text, &on);
    shim_log_clear();
}
