/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests on s390x, in user emulation on any host: stacks and faults. */
#include "host_cpu.h"
#include "shim.h"
#include <arch/layout.h>
#include <string.h>

#define FRAME_BYTES  160 /* saved registers; a callee finds as much above */
#define RETURN_INDEX 8   /* of register 14 among those from 6 on */

__asm__(".text\n"
        ".globl shim_switch_stack\n"
        "shim_switch_stack:\n"
        "aghi %r15,-160\n"
        "stmg %r6,%r15,0(%r15)\n"
        "std %f8,80(%r15)\nstd %f9,88(%r15)\nstd %f10,96(%r15)\nstd %f11,104(%r15)\n"
        "std %f12,112(%r15)\nstd %f13,120(%r15)\nstd %f14,128(%r15)\nstd %f15,136(%r15)\n"
        "stg %r15,0(%r2)\n"
        "lgr %r15,%r3\n"
        "lmg %r6,%r14,0(%r15)\n"
        "ld %f8,80(%r15)\nld %f9,88(%r15)\nld %f10,96(%r15)\nld %f11,104(%r15)\n"
        "ld %f12,112(%r15)\nld %f13,120(%r15)\nld %f14,128(%r15)\nld %f15,136(%r15)\n"
        "aghi %r15,160\n"
        "br %r14\n");

void *shim_first_frame(void *top, void (*entry)(void))
{
    char *frame = (char *)((uintptr_t)top & ~UINT64_C(7)) - 2 * FRAME_BYTES;

    memset(frame, 0, 2 * FRAME_BYTES);
    ((uint64_t *)frame)[RETURN_INDEX] = (uint64_t)(uintptr_t)entry;
    return frame;
}

/* The context does not say. A page that was filled for a read and faults again was written to.
 */
bool shim_was_write(uintptr_t va, const void *context)
{
    static uintptr_t last;
    static uint64_t flushes;
    bool again = va / PAGE_SIZE == last && flushes == shim_tlb_flushes;

    (void)context;
    last = va / PAGE_SIZE;
    flushes = shim_tlb_flushes;
    return again;
}
