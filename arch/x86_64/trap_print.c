/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Register dumps, and what an unwinder must know of a stack frame. Runs when everything may be
 * broken: no locks.
 */
#include "x86.h"
#include <arch/trap.h>
#include <neap/log.h>

#define PAGE_FAULT_PRESENT (1u << 0)
#define PAGE_FAULT_WRITE   (1u << 1)
#define PAGE_FAULT_USER    (1u << 2)
#define PAGE_FAULT_FETCH   (1u << 4)

static const char *page_fault_access(uint64_t error)
{
    if (error & PAGE_FAULT_FETCH)
        return "execute";
    return error & PAGE_FAULT_WRITE ? "write" : "read";
}

void arch_trap_print(const struct trap_frame *f)
{
    uint64_t cr0, cr3;

    __asm__ volatile("movq %%cr0, %0; movq %%cr3, %1" : "=r"(cr0), "=r"(cr3));
    if (f->vector == VECTOR_PAGE_FAULT)
        log_emergency("%s of %#lx from %s mode: %s\n", page_fault_access(f->error),
                      (unsigned long)cr2_read(), f->error & PAGE_FAULT_USER ? "user" : "kernel",
                      f->error & PAGE_FAULT_PRESENT ? "not allowed" : "nothing is mapped");
#define LINE(a, av, b, bv, c, cv)                                                            \
    log_emergency("%-6s %016llx  %-6s %016llx  %-6s %016llx\n", a, (unsigned long long)(av), \
                  b, (unsigned long long)(bv), c, (unsigned long long)(cv))
    LINE("rip", f->rip, "rsp", f->rsp, "rflags", f->rflags);
    LINE("rax", f->rax, "rbx", f->rbx, "rcx", f->rcx);
    LINE("rdx", f->rdx, "rsi", f->rsi, "rdi", f->rdi);
    LINE("rbp", f->rbp, "r8", f->r8, "r9", f->r9);
    LINE("r10", f->r10, "r11", f->r11, "r12", f->r12);
    LINE("r13", f->r13, "r14", f->r14, "r15", f->r15);
    LINE("cs", f->cs, "ss", f->ss, "error", f->error);
    LINE("cr0", cr0, "cr2", cr2_read(), "cr3", cr3);
#undef LINE
    log_emergency("%-6s %016llx\n", "cr4", (unsigned long long)cr4_read());
}

uintptr_t arch_trap_pc(const struct trap_frame *frame)
{
    return frame->rip;
}

uintptr_t arch_trap_frame_pointer(const struct trap_frame *frame)
{
    return trap_from_user(frame) ? 0 : frame->rbp;
}

uintptr_t arch_return_address(uintptr_t fp, uintptr_t caller_fp)
{
    (void)caller_fp;
    return fp + sizeof(uint64_t);
}
