/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is told when it is worth looking again at elastic memory. */
#ifndef MM_NOTIFY_H
#define MM_NOTIFY_H

#include "internal.h"
#include <neap/elastic.h>

void notify_add(struct elastic_region *region);
void notify_remove(struct elastic_region *region);

/* All regions; changes under mm_mutex. */
extern struct list elastic_regions;

/* From here on elastic_look_again() tells everybody, once. Before a look at what is held. */
void notify_expect(void);

/* Tell everybody, once, when so many pages are on the free lists. */
void notify_when_free(uint64_t pages);

#endif
