/* SPDX-License-Identifier: BSD-2-Clause */
/* A new thread's first register state. */
#include <arch/thread.h>
#include <neap/compiler.h>
#include <string.h>

#define FPU_CONTROL_DEFAULT   0x037f /* extended precision, every exception masked */
#define FPU_CONTROL_OFFSET    0
#define MXCSR_CONTROL_DEFAULT 0x1f80 /* every exception masked */
#define MXCSR_OFFSET          24

_Static_assert(offsetof(struct arch_context, rsp) == 0, "context.asm knows the layout");
_Static_assert(offsetof(struct arch_context, fpu) == 16, "context.asm knows the layout");

/* What arch_context_switch() pops, lowest address first. */
struct switch_frame {
    uint64_t r15, r14, r13, r12, rbx, rbp;
    uint64_t return_address;
    uint64_t end_of_stack[2]; /* no frame, no return address: backtraces end */
};

void x86_context_start(void);

void arch_context_init(struct arch_context *ctx, uintptr_t stack_top, void (*entry)(void *),
                       void *arg)
{
    struct switch_frame *frame = (struct switch_frame *)ALIGN_DOWN(stack_top, 16) - 1;
    const uint16_t control = FPU_CONTROL_DEFAULT;
    const uint32_t mxcsr = MXCSR_CONTROL_DEFAULT;

    memset(frame, 0, sizeof(*frame));
    frame->return_address = (uintptr_t)x86_context_start;
    frame->r12 = (uintptr_t)entry;
    frame->r13 = (uintptr_t)arg;
    frame->rbp = (uintptr_t)frame->end_of_stack;
    ctx->rsp = (uintptr_t)frame;
    memset(ctx->fpu, 0, sizeof(ctx->fpu));
    memcpy(ctx->fpu + FPU_CONTROL_OFFSET, &control, sizeof(control));
    memcpy(ctx->fpu + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
}
