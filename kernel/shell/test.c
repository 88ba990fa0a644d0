/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test: the self-tests of the running kernel.
 */
#include "commands.h"
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/selftest.h>

static int test(int argc, char **argv)
{
    const char *pattern = shell_word(argc, argv, 0);
    int failed = selftest_run(pattern ? pattern : "*");

    if (failed == -ENOENT)
        kprintf("no self-test has '%s' in its name\n", pattern ? pattern : "*");
    return failed > 0 ? -EIO : failed;
}
SHELL_COMMAND(test, "test [part of a name]", "run the kernel's self-tests, print KTAP", test);
