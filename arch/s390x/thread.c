/* SPDX-License-Identifier: BSD-2-Clause */
/* A new thread's first register state. */
#include <arch/thread.h>
#include <asm/lowcore.h>
#include <neap/compiler.h>
#include <string.h>

_Static_assert(offsetof(struct arch_context, fprs) == 80, "context.S knows the layout");
_Static_assert(offsetof(struct arch_context, fpc) == 208, "context.S knows the layout");

void s390_context_start(void);

/* Indices of the saved registers 6 to 15. */
enum { ENTRY = 0, ARGUMENT = 1, RETURN = 14 - 6, STACK = 15 - 6 };

void arch_context_init(struct arch_context *ctx, uintptr_t stack_top, void (*entry)(void *),
                       void *arg)
{
    uint64_t *frame = (uint64_t *)(ALIGN_DOWN(stack_top, 8) - STACK_FRAME_SIZE);

    frame[0] = 0; /* the back chain ends: so do backtraces */
    memset(ctx, 0, sizeof(*ctx));
    ctx->gprs[ENTRY] = (uintptr_t)entry;
    ctx->gprs[ARGUMENT] = (uintptr_t)arg;
    ctx->gprs[RETURN] = (uintptr_t)s390_context_start;
    ctx->gprs[STACK] = (uintptr_t)frame;
}
