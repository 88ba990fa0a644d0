/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors are negative errno values; this gives them their names for messages.
 */
#ifndef NEAP_ERRORS_H
#define NEAP_ERRORS_H

#include <errno.h>

/* "ENOMEM" for -ENOMEM or ENOMEM, "unknown error" for what has no name. Any context. */
const char *error_name(int error);

#endif
