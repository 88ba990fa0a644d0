/* SPDX-License-Identifier: BSD-2-Clause */
/* A memory device without a driver: what it has plugged, and what mm must therefore say. */
#ifndef TEST_PLUG_H
#define TEST_PLUG_H

#include "movers.h"
#include <neap/elastic.h>

struct plug {
    struct elastic_region region;
    uint64_t calls; /* of changed() */
    bool plugged[4096];
};

/* Register a region; returns what elastic_register() says. */
int plug_start(struct plug *plug, uint64_t start, uint64_t size, uint64_t subblock);

/* Plug subblocks [first, end): 0 or the error of elastic_add(). */
int plug_add(struct plug *plug, uint64_t first, uint64_t end);

/* Take at most `max` subblocks and unplug them. Returns how many, or the error. */
int plug_take(struct plug *plug, uint64_t max);

/* The same, but the device refuses. */
int plug_take_in_vain(struct plug *plug, uint64_t max);

/* Take everything; returns the error in the end, -EBUSY when nothing is left. */
int plug_take_all(struct plug *plug);

/* Fill elastic memory with single pages and keep one in `keep`. */
void plug_scatter(unsigned keep);

/* mm_check(), the counts, and the direct map, which must follow what is plugged. */
void plug_check(struct plug *plug);

extern struct elastic_refusal plug_why;
extern bool plug_cancel;

#endif
