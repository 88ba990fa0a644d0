/* SPDX-License-Identifier: BSD-2-Clause */
/* Movable blocks with contents, as the address space holds them, and lent ones. */
#ifndef TEST_MOVERS_H
#define TEST_MOVERS_H

#include "support.h"

#define MOVERS_MAX 32768

struct mover {
    struct page *page; /* NULL: unused */
    unsigned order;
    bool lent;
    uint64_t stamp;
};
extern struct mover movers[MOVERS_MAX];
extern unsigned nr_movers;
extern uint64_t moved_pages;

/* What space_promised_pages() says. */
extern uint64_t test_promised;

/* What every evacuation sees first; may change anything. */
extern void (*on_evacuate)(struct page *page);

/* Allocate a movable block with contents of its own; NULL: none is free. */
struct mover *mover_new(unsigned order);
/* The same, lent by its holder: no contents. */
struct mover *mover_lend(unsigned order);
/* Check the contents and give it back; the last one takes its index. */
void mover_free(unsigned index);
void mover_free_all(void);
void mover_check_all(void);

#endif
