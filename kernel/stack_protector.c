/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the compiler's stack protector asks for.
 */
#include "internal.h"
#include <neap/entropy.h>
#include <neap/panic.h>

/* Both names are the compiler's. */
extern uintptr_t __stack_chk_guard;
void __stack_chk_fail(void) NORETURN;

uintptr_t __stack_chk_guard = (uintptr_t)0x5bd1e995a7c30f00;

/* Unprotected: the value changes while it runs. */
__attribute__((no_stack_protector)) void stack_protector_init(void)
{
    /* A zero byte at the lowest address stops string functions from copying the value out. */
    __stack_chk_guard = (uintptr_t)entropy();
    *(char *)&__stack_chk_guard = 0;
}

void __stack_chk_fail(void)
{
    panic("stack overwritten in %p", __builtin_return_address(0));
}
