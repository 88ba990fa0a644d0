/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs and the network of the reference guest: see linux_service.c. */
#ifndef LINUX_SERVICE_H
#define LINUX_SERVICE_H

#include <stdbool.h>

/* Runs a line if it is one of these commands; returns whether it was. */
bool service_command(char *line);

#endif
