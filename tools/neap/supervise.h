/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a guest's QEMU process: start, monitor, end. */
#ifndef NEAP_TOOL_SUPERVISE_H
#define NEAP_TOOL_SUPERVISE_H

#include "cmdline.h"

/*
 * Start QEMU, which inherits the lock, and wait until its monitor answers and polls for
 * statistics. Returns 0 or -1. A guest that has ended already, which is no error, has its
 * exit status.
 */
int supervise_start(struct guest *guest, const struct words *words, int lock,
                    struct error *error);

/* Wait for the end; a signal that ends programs ends QEMU first. Returns the exit status. */
int supervise_wait(struct guest *guest);

/* Leave the terminal and go on as a process of its own, which writes to the guest's log. */
int supervise_detach(const struct guest *guest, struct error *error);

#endif
