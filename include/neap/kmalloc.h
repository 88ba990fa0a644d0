/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel objects of any size: power-of-two size classes on slabs, whole pages above them.
 */
#ifndef NEAP_KMALLOC_H
#define NEAP_KMALLOC_H

#include <neap/compiler.h>
#include <stddef.h>

/*
 * Allocate `size` bytes, aligned to the next power of two up to the page size (16 at least).
 * flags: enum alloc_flags. NULL when memory is short or size is 0. Any context with
 * ALLOC_ATOMIC.
 */
void *kmalloc(size_t size, unsigned flags) MUST_CHECK;

/* Zeroed array; NULL also when count * size overflows. */
void *kcalloc(size_t count, size_t size, unsigned flags) MUST_CHECK;

/*
 * Free. NULL is allowed. Debug builds check red zones and poison and panic with the address on
 * an overrun, a double free or a foreign pointer. Any context.
 */
void kfree(void *object);

/* Bytes held by kmalloc() objects, and pages behind them; for `mem`. */
void kmalloc_stats(uint64_t *object_bytes, uint64_t *pages);

#endif
