/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first and only program of an emulated KVM host: it runs a guest of a few instructions as
 * vCPU 1, and prints the format of the event kvm_exit and the trace, once with all fields and
 * once as the events' own text. Built with the kernel's nolibc.
 */

#include "guest.h"

#define TRACING    "/sys/kernel/tracing/"
#define KVM_DEVICE makedev(10, 232)
#define GUEST_SIZE 0x10000
#define RUNS       1000 /* of KVM_RUN, at most */

static void write_file(const char *path, const char *text)
{
    int file = check(open(path, O_WRONLY), path);

    check(write(file, text, strlen(text)), path);
    close(file);
}

/* Print a file between two lines with a name for it. */
static void print_file(const char *name, const char *path)
{
    static char buffer[4096];
    int file = check(open(path, O_RDONLY), path);
    long size;

    printf("BEGIN %s\n", name);
    while ((size = read(file, buffer, sizeof(buffer))) > 0)
        write(1, buffer, size);
    printf("END %s\n", name);
    close(file);
}

static void run_guest(void)
{
    int kvm = check(open("/kvm", O_RDWR), "/dev/kvm"), exits = 0, size;
    struct kvm_userspace_memory_region region = {.guest_phys_addr = GUEST_BASE,
                                                 .memory_size = GUEST_SIZE};
    char *memory =
        mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    vm = check(ioctl(kvm, KVM_CREATE_VM, (void *)VM_TYPE), "KVM_CREATE_VM");
    memcpy(memory, guest_code, guest_end - guest_code);
    region.userspace_addr = (unsigned long)memory;
    check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
    vcpu = check(ioctl(vm, KVM_CREATE_VCPU, (void *)VCPU_ID), "KVM_CREATE_VCPU");
    size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
    run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    set_up();
    do {
        check(ioctl(vcpu, KVM_RUN, 0), "KVM_RUN");
        exits++;
    } while (!guest_is_done() && exits < RUNS);
    printf("tracer: %d exits to the program, the last for reason %d\n", exits,
           run->exit_reason);
}

int main(void)
{
    mkdir("/sys", 0755);
    check(mount("sys", "/sys", "sysfs", 0, ""), "/sys");
    check(mount("tracing", "/sys/kernel/tracing", "tracefs", 0, ""), "tracefs");
    check(mknod("/kvm", S_IFCHR | 0600, KVM_DEVICE), "mknod");
    write_file(TRACING "events/" SYSTEM "/enable", "1");
    run_guest();
    write_file(TRACING "tracing_on", "0");
    print_file("exit", TRACING "events/" SYSTEM "/kvm_exit/format");
    write_file(TRACING "options/fields", "1");
    print_file("fields", TRACING "trace");
    write_file(TRACING "options/fields", "0");
    print_file("text", TRACING "trace");
    reboot(LINUX_REBOOT_CMD_POWER_OFF);
    return 0;
}
