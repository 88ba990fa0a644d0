/* SPDX-License-Identifier: BSD-2-Clause */
/* What pins and the rest of mm know of each other. */
#ifndef MM_PIN_H
#define MM_PIN_H

#include "internal.h"
#include <neap/pin.h>

/* Pages that pins on record hold now; changed under a lock of mm/pin.c. */
extern uint64_t pins_recorded;

/* Is anything pinned now? Any context. */
static inline bool pins_any(void)
{
    return READ_ONCE(pins_recorded) > 0;
}

/* Panic with the owner's name if a frame of the block is pinned. Any context. */
void pin_forbids_free(const struct page *page, unsigned order);

/* The source that pins one of the frames [start, end); NULL: none. Any context. */
const char *pin_source_owner(pfn_t start, pfn_t end);

/*
 * A block that is about to be freed: nobody else can pin it. Cheap: what can move is never an
 * I/O buffer without a pin on record, and wide blocks of the kernel are rare.
 */
static inline void pin_check_free(const struct page *page, unsigned order)
{
    if (page->pins || pins_any() || (order && !(page->flags & PAGE_HELD_MOVABLE)))
        pin_forbids_free(page, order);
}

#endif
