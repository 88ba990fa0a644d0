/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kernel.c offers to tests.
 */
#ifndef UNIT_VIRTIO_KERNEL_H
#define UNIT_VIRTIO_KERNEL_H

#include <arch/boot.h>
#include <neap/trace.h>
#include <stdbool.h>

extern struct trace_event last_event;

/* What boot_memory_withheld() says. */
extern struct phys_range withheld;

/* Run a shell command; its result, -1 when there is none of this name. */
int run_command(const char *name, bool machine);

/* The same with these words, its name the first. */
int run_words(int argc, char **argv);

/* All parts of `devices`. */
void run_listers(bool machine);

#endif
