/* SPDX-License-Identifier: BSD-2-Clause */
/* The QEMU command line of a guest. */
#ifndef NEAP_TOOL_CMDLINE_H
#define NEAP_TOOL_CMDLINE_H

#include "guest.h"
#include "image.h"
#include "network.h"

/* Names of the devices, by which the monitor finds them. */
#define DEVICE_BALLOON "balloon0"
#define DEVICE_ELASTIC "vmem0"

#define WORDS_MAX 64

struct words {
    char *word[WORDS_MAX]; /* NULL behind the last */
    unsigned count;
};

/* What a command line is made of, beside the guest's own description. */
struct run_options {
    const char *qemu;   /* program */
    const char *append; /* kernel command line, or NULL */
    enum image_kind kind;
    unsigned cpus;
    struct network network;
};

/* Build it; an error only if no memory is left, which ends the program. */
void cmdline_build(const struct guest *guest, const struct run_options *options,
                   struct words *words);

void words_free(struct words *words);

#endif
