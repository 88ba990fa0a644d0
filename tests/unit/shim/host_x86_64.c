/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests on x86_64: stacks and faults. */
#include "host_cpu.h"
#include <string.h>
#include <ucontext.h>

#define ERROR_WRITE 2

__asm__(".text\n"
        ".globl shim_switch_stack\n"
        "shim_switch_stack:\n"
        "push %rbx\npush %rbp\npush %r12\npush %r13\npush %r14\npush %r15\n"
        "mov %rsp, (%rdi)\n"
        "mov %rsi, %rsp\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbp\npop %rbx\n"
        "ret\n");

/* Six registers, then where to go. */
void *shim_first_frame(void *top, void (*entry)(void))
{
    uint64_t *end = top;

    memset(end - 10, 0, 10 * sizeof(*end));
    end[-2] = (uint64_t)(uintptr_t)entry;
    return end - 8;
}

bool shim_was_write(uintptr_t va, const void *context)
{
    (void)va;
    return ((const ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] & ERROR_WRITE;
}
