/* SPDX-License-Identifier: BSD-2-Clause */
/* Error texts. */
#include "error.h"
#include <stdarg.h>
#include <stdio.h>

int error_set(struct error *error, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(error->text, sizeof(error->text), fmt, args);
    va_end(args);
    return -1;
}

int error_report(const struct error *error)
{
    fprintf(stderr, "neap: %s\n", error->text);
    return 1;
}
