/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Register dumps, and what an unwinder must know of a stack frame. Runs when everything may be
 * broken: no locks.
 */
#include "s390x.h"
#include <arch/trap.h>
#include <neap/log.h>

#define RETURN_ADDRESS 112 /* register 14 in the save area of a caller's frame */

void arch_trap_print(const struct trap_frame *f)
{
    uint64_t control[16];

    control_store(control);
    log_emergency("psw %016llx %016llx  code %02llx  translation %016llx  breaking %016llx\n",
                  (unsigned long long)f->psw.mask, (unsigned long long)f->psw.address,
                  (unsigned long long)f->code, (unsigned long long)f->address,
                  (unsigned long long)lowcore_self()->breaking_address);
    for (unsigned i = 0; i < 16; i += 4)
        log_emergency("r%-2u %016llx %016llx %016llx %016llx\n", i,
                      (unsigned long long)f->gprs[i], (unsigned long long)f->gprs[i + 1],
                      (unsigned long long)f->gprs[i + 2], (unsigned long long)f->gprs[i + 3]);
    log_emergency("cr0 %016llx  cr1 %016llx  cr6 %016llx  cr14 %016llx\n",
                  (unsigned long long)control[0], (unsigned long long)control[1],
                  (unsigned long long)control[6], (unsigned long long)control[14]);
}

uintptr_t arch_trap_pc(const struct trap_frame *frame)
{
    return frame->psw.address;
}

uintptr_t arch_trap_frame_pointer(const struct trap_frame *frame)
{
    return (uintptr_t)frame;
}

uintptr_t arch_return_address(uintptr_t fp, uintptr_t caller_fp)
{
    (void)fp;
    return caller_fp + RETURN_ADDRESS;
}
