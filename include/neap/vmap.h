/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel virtual areas: stacks with guard pages, device registers.
 */
#ifndef NEAP_VMAP_H
#define NEAP_VMAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * A stack of THREAD_STACK_SIZE bytes with an unmapped page below it. Returns the lowest
 * usable address, NULL when memory is short. Thread context (or boot).
 */
void *stack_alloc(void);
void stack_free(void *stack);

/* Is the address in the guard page of a stack? Then the stack's lowest address, else NULL. Any
 * context. */
void *stack_guard_hit(uintptr_t address);

/*
 * Map device registers, uncached. Returns the address for mmio_read32() and friends, NULL
 * when memory is short. Mapping the same range twice is fine; mappings stay. Thread context
 * or boot.
 */
volatile void *mmio_map(uint64_t phys, uint64_t size);

#endif
