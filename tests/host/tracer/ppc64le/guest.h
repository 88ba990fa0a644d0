/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that KVM takes for calls of OSI, so that each is an exit to the program. sc 1
 * would not do: the hypervisor below the host answers it.
 */

#include "../tracer.h"

#define VM_TYPE                 2UL /* KVM PR */
#define GUEST_BASE              0UL
#define SYSTEM                  "kvm_pr"
#define MSR_64BIT_LITTLE_ENDIAN 0x8000000000000001UL
#define OSI_MAGIC_R3            0x113724faUL
#define OSI_MAGIC_R4            0x77810f9bUL

__asm__(".pushsection .rodata\n"
        "guest_code:\n"
        "   li 5, 0\n"
        "1: sc\n"
        "   addi 16, 16, -1\n"
        "   cmpdi 16, 0\n"
        "   bne 1b\n"
        "   li 5, 1\n"
        "   sc\n"
        "   b .\n"
        "guest_end:\n"
        ".popsection\n");

static void set_up(void)
{
    struct kvm_enable_cap osi = {.cap = KVM_CAP_PPC_OSI};
    struct kvm_sregs sregs = {0};
    struct kvm_regs regs = {0};

    check(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
    __asm__("mfpvr %0" : "=r"(sregs.pvr));
    check(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
    check(ioctl(vcpu, KVM_ENABLE_CAP, &osi), "KVM_CAP_PPC_OSI");
    check(ioctl(vcpu, KVM_GET_REGS, &regs), "KVM_GET_REGS");
    regs.pc = GUEST_BASE;
    regs.msr = MSR_64BIT_LITTLE_ENDIAN;
    regs.gpr[3] = OSI_MAGIC_R3;
    regs.gpr[4] = OSI_MAGIC_R4;
    regs.gpr[16] = EXITS;
    check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

static int guest_is_done(void)
{
    return run->exit_reason == KVM_EXIT_OSI && run->osi.gprs[5] == 1;
}
