/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walking the stack. Runs when everything may be broken: no locks, and no access that has not
 * been checked or cannot be undone.
 */
#include <arch/layout.h>
#include <arch/trap.h>
#include <neap/backtrace.h>
#include <neap/log.h>
#include <neap/sections.h>
#include <neap/symbols.h>

#define BACKTRACE_MAX 32

__attribute__((noinline)) uintptr_t frame_pointer(void)
{
    /* The frame pointer of this function's own caller. */
    return *(const uintptr_t *)__builtin_frame_address(0);
}

static bool may_hold_stack(uintptr_t address)
{
    if (address % sizeof(uint64_t) != 0)
        return false;
    if (address >= VMAP_BASE && address < VMAP_BASE + VMAP_SIZE)
        return true;
    return address >= (uintptr_t)__data_start && address < (uintptr_t)__data_end;
}

static bool read_stack(uintptr_t address, uint64_t *value)
{
    return may_hold_stack(address) && arch_safe_read(address, value);
}

bool backtrace_step(uintptr_t *fp, uintptr_t *pc)
{
    uint64_t next, from;

    if (!read_stack(*fp, &next) || !read_stack(arch_return_address(*fp, next), &from) ||
        from == 0)
        return false;
    *fp = next;
    *pc = from;
    return true;
}

static void print_address(uintptr_t pc, uintptr_t lookup)
{
    uintptr_t offset;
    const char *name = symbol_lookup(lookup, &offset);

    if (name)
        log_emergency("  %p %s+0x%lx\n", (void *)pc, name,
                      (unsigned long)(offset + (pc - lookup)));
    else
        log_emergency("  %p\n", (void *)pc);
}

void backtrace_print(uintptr_t pc, uintptr_t fp)
{
    if (pc != 0)
        print_address(pc, pc);
    for (unsigned i = 0; i < BACKTRACE_MAX; i++) {
        if (!backtrace_step(&fp, &pc))
            return;
        /* A return address may be the first byte after its function. */
        print_address(pc, pc - 1);
    }
    log_emergency("  ...\n");
}
