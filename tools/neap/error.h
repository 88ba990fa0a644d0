/* SPDX-License-Identifier: BSD-2-Clause */
/* What went wrong, as text for the person at the keyboard: the thing and the remedy. */
#ifndef NEAP_TOOL_ERROR_H
#define NEAP_TOOL_ERROR_H

#include <neap/compiler.h>

struct error {
    char text[1024];
};

/* Fill in the text. Returns -1, so that a function can fail in one line. */
int error_set(struct error *error, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Print the text as this command's and return its exit status, 1. */
int error_report(const struct error *error);

#endif
