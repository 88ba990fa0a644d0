/* SPDX-License-Identifier: BSD-2-Clause */
/* An application and a kernel that use memory at random, and know what each page holds. */
#ifndef STORM_LOAD_H
#define STORM_LOAD_H

/* Reserve the addresses; check everything and give all back. */
void load_start(void);
void load_end(void);

/* One step each: commit and write some pages of a range, touch committed ones, discard or
 * decommit a range, allocate or free a block for the kernel. What cannot be had is left out. */
void load_commit(void);
void load_touch(void);
void load_give_back(void);
void load_kernel(void);

/* Every page that was written holds what was written. */
void load_check(void);

#endif
