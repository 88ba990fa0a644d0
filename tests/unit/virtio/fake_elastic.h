/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Elastic memory for tests of the memory device: a map of blocks that fails the test when the
 * driver breaks the contract of neap/elastic.h, and refuses what a test tells it to.
 */
#ifndef FAKE_ELASTIC_H
#define FAKE_ELASTIC_H

#include <neap/elastic.h>

struct fake_elastic {
    int register_error;
    unsigned fail_adds; /* the next so many calls of elastic_add() */
    int take_error;     /* -EBUSY, -ENOMEM: of every call, with `refusal` */
    struct elastic_refusal refusal;
    uint64_t take_limit;   /* blocks in one run, 0: any number */
    uint64_t held;         /* that many of the lowest blocks of a region cannot be taken */
    bool taken_is_plugged; /* a taken block counts as plugged until it is removed */
    void (*on_take)(void); /* inside elastic_take(), each time */
    unsigned adds, takes, put_backs, removals, cancels;
    struct list regions;
    unsigned nr_regions;
};
extern struct fake_elastic elastic;

/* Does mm use the block at this address now? */
bool fake_elastic_uses(uint64_t address);

/* There was never a region, nor a wish of the test. */
void fake_elastic_forget(void);

/* Blocks between take and the end of it, over all regions. */
uint64_t fake_elastic_taken(void);

#endif
