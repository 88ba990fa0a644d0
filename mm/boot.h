/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files that set memory management up. Boot CPU only. */
#ifndef MM_BOOT_H
#define MM_BOOT_H

#include <neap/memcache.h>

/* Fill a cache of page tables from the pages set aside for the start. */
void boot_tables_fill(struct memcache *cache);

/* Map the image; needs pgtable_lock. */
void kernel_map_image(void);

#endif
