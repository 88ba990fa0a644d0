/* SPDX-License-Identifier: BSD-2-Clause */
/* Stores to a device, and PSCI calls, which KVM handles itself. */

#include "../tracer.h"

#define VM_TYPE    0UL
#define GUEST_BASE 0x80000000UL
#define SYSTEM     "kvm"
#define CORE(name) \
    (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(regs.name))

__asm__(".pushsection .rodata\n"
        "guest_code:\n"
        "1: str w10, [x11]\n"
        "   mov w0, #0x84000000\n" /* PSCI_VERSION */
        "   hvc #0\n"
        "   sub x12, x12, #1\n"
        "   cbnz x12, 1b\n"
        "   str w10, [x13]\n"
        "   b .\n"
        "guest_end:\n"
        ".popsection\n");

static void set_up(void)
{
    struct kvm_vcpu_init init = {0};

    check(ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
    init.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2;
    check(ioctl(vcpu, KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
    set_register(CORE(pc), GUEST_BASE);
    set_register(CORE(regs[11]), MMIO_LOOP);
    set_register(CORE(regs[12]), EXITS);
    set_register(CORE(regs[13]), MMIO_DONE);
}

static int guest_is_done(void)
{
    return run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr == MMIO_DONE;
}
