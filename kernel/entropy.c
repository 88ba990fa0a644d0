/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers from what the CPU offers.
 */
#include <arch/boot.h>
#include <arch/clock.h>
#include <neap/entropy.h>

/* The finaliser of splitmix64: every input bit reaches every output bit. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t entropy(void)
{
    static uint64_t pool;
    uint64_t seen = __atomic_load_n(&pool, __ATOMIC_RELAXED);
    uint64_t next = mix(seen + UINT64_C(0x9e3779b97f4a7c15)) ^ arch_random();

    /* Racing callers may mix in the same pool: the counter still tells them apart. */
    __atomic_store_n(&pool, next, __ATOMIC_RELAXED);
    return mix(next ^ arch_cycles());
}
