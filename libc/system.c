/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * system(): the command processor is the kernel's shell.
 */
#include <errno.h>
#include <neap/shell.h>
#include <stdlib.h>
#include <string.h>

/*
 * Returns 0 or a wait status whose WEXITSTATUS() is the errno value that the command ended
 * with. The command line is copied, because splitting it changes it.
 */
int system(const char *command)
{
    char *line;
    int result;

    if (!command)
        return 1;
    line = strdup(command);
    if (!line)
        return -1;
    result = shell_execute(line);
    free(line);
    return result < 0 ? -result << 8 : 0;
}
