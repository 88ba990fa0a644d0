/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guests of the architectures share. Each ARCH/guest.h has the code of its guest
 * between guest_code and guest_end, VM_TYPE, GUEST_BASE, SYSTEM (the folder with the events of
 * its KVM) and the functions below.
 */

#pragma once

#include <linux/kvm.h>
#include <linux/reboot.h>

#define VCPU_ID   1UL /* is not its index, 0 */
#define EXITS     20  /* of each kind that the guest causes, before it says that it is done */
#define MMIO_LOOP 0x10000000UL /* nothing is there: each access is an exit */
#define MMIO_DONE 0x10000008UL

extern const char guest_code[], guest_end[];
static int vm, vcpu;
static struct kvm_run *run;

/* Give the vCPU its first registers. */
static void set_up(void);

/* Was this the guest's last exit? */
static int guest_is_done(void);

/* Returns what a call returned, or says what failed and turns the machine off. */
static long check(long result, const char *what)
{
    if (result >= 0)
        return result;
    printf("tracer: %s: errno %d\n", what, errno);
    reboot(LINUX_REBOOT_CMD_POWER_OFF);
    for (;;) {
    }
}

/* Set one register of the vCPU. */
static inline void set_register(unsigned long long id, unsigned long value)
{
    struct kvm_one_reg reg = {.id = id, .addr = (unsigned long)&value};

    check(ioctl(vcpu, KVM_SET_ONE_REG, &reg), "KVM_SET_ONE_REG");
}
