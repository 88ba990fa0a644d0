/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What proofs say to CBMC. A proof is a main() that calls kernel code with any value for what
 * the code does not control; its claims, and every access to memory, hold for all of them.
 */
#ifndef PROVE_H
#define PROVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROVE(condition)  __CPROVER_assert(condition, #condition)
#define ASSUME(condition) __CPROVER_assume(condition)

void __CPROVER_assert(_Bool condition, const char *text);
void __CPROVER_assume(_Bool condition);

/* Any value: CBMC knows functions without a body by this beginning of their names. */
bool nondet_bool(void);
uint8_t nondet_u8(void);
uint16_t nondet_u16(void);
uint32_t nondet_u32(void);
uint64_t nondet_u64(void);

/* Any number from 0 to limit - 1. */
static inline unsigned nondet_below(unsigned limit)
{
    unsigned number = nondet_u32();

    ASSUME(number < limit);
    return number;
}

#endif
