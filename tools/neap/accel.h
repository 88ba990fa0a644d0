/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of QEMU's accelerators can run a whole guest here. */
#ifndef NEAP_TOOL_ACCEL_H
#define NEAP_TOOL_ACCEL_H

#include <stdbool.h>

/* Does this text of /proc/cpuinfo name hardware virtualisation? */
bool accel_in_cpuinfo(const char *cpuinfo);

/* "kvm" or "tcg", and why. */
const char *accel_choose(const char **why);

#endif
