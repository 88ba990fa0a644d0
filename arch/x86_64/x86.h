/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of arch/x86_64 share: special instructions, the trap frame, start-up steps.
 */
#ifndef X86_H
#define X86_H

#include <arch/boot.h>
#include <arch/trap.h>
#include <neap/cpu.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- selectors, the same in the boot table and in every CPU's own ---- */

#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_TSS         0x28

/* ---- special instructions ---- */

static inline uint8_t port_read8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint16_t port_read16(uint16_t port)
{
    uint16_t value;

    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint32_t port_read32(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline void port_write8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static inline void port_write16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static inline void port_write32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

#define MSR_APIC_BASE      0x1b
#define MSR_TSC_DEADLINE   0x6e0
#define MSR_X2APIC_FIRST   0x800
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

static inline uint64_t msr_read(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return (uint64_t)high << 32 | low;
}

static inline void msr_write(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid id;

    __asm__ volatile("cpuid"
                     : "=a"(id.eax), "=b"(id.ebx), "=c"(id.ecx), "=d"(id.edx)
                     : "a"(leaf), "c"(subleaf));
    return id;
}

#define CR4_PGE      (UINT64_C(1) << 7)
#define CR4_UMIP     (UINT64_C(1) << 11)
#define CR4_FSGSBASE (UINT64_C(1) << 16)
#define CR4_SMEP     (UINT64_C(1) << 20)
#define CR4_SMAP     (UINT64_C(1) << 21)

static inline uint64_t cr4_read(void)
{
    uint64_t value;

    __asm__ volatile("movq %%cr4, %0" : "=r"(value)::"memory");
    return value;
}

static inline void cr4_write(uint64_t value)
{
    __asm__ volatile("movq %0, %%cr4" ::"r"(value) : "memory");
}

static inline uintptr_t cr2_read(void)
{
    uintptr_t value;

    __asm__ volatile("movq %%cr2, %0" : "=r"(value));
    return value;
}

/* ---- CPU features (cpu.c) ---- */

struct x86_features {
    bool pge, smep, smap, umip, fsgsbase;
    bool x2apic, tsc_deadline, rdrand, pages_1g;
    bool hypervisor;
};
extern struct x86_features x86_features;

/* Read CPUID. Boot CPU, first. */
void x86_features_find(void);
/* Switch the protections on that this CPU has. Once per CPU. */
void x86_features_enable(void);

/* ---- traps (trap_entry.asm, trap.c, descriptors.c) ---- */

enum {
    VECTOR_NMI = 2,
    VECTOR_DOUBLE_FAULT = 8,
    VECTOR_GENERAL_PROTECTION = 13,
    VECTOR_PAGE_FAULT = 14,
    VECTOR_MACHINE_CHECK = 18,
    NR_EXCEPTIONS = 32,
    /* Where the old interrupt controller would send its spurious ones. */
    VECTOR_8259 = 0x20,
    /* Devices: handed out by arch_irq_alloc(). */
    VECTOR_DEVICE_FIRST = 0x30,
    VECTOR_DEVICE_LAST = 0xdf,
    /* The only vector that ring 3 may raise itself: self-tests return by it. */
    VECTOR_USER_RETURN = 0xe0,
    VECTOR_RESCHEDULE = 0xf0,
    VECTOR_CALL = 0xf1,
    VECTOR_TIMER = 0xf2,
    VECTOR_SPURIOUS = 0xff,
    NR_VECTORS = 256,
};

/* Error code of a page fault. */
enum {
    FAULT_WRITE = 1u << 1,
    FAULT_USER = 1u << 2,
    FAULT_RESERVED = 1u << 3,
    FAULT_FETCH = 1u << 4,
};

/* What trap_entry.asm saves, in its order. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

static inline bool trap_from_user(const struct trap_frame *frame)
{
    return frame->cs & 3;
}

/* Tell arch_cpu_self() who this CPU is. Once per CPU, before all else. */
void x86_set_cpu(struct cpu *cpu);

/*
 * The pages under the boot CPU's static stacks become guard pages: unmaps them from the final
 * tables. Boot CPU, once.
 */
void x86_guard_boot_stacks(void);

/* Map the registers that switch the machine off or reset it. Boot CPU, once, after mm_init().
 */
void x86_power_init(void);

/* Is the address in a guard page of the boot CPU's static stacks? Any context. */
bool x86_boot_guard_hit(uintptr_t address);

/* An NMI came: halt for good if another CPU has raised IPI_STOP on this one (smp.c). */
void x86_stop_if_asked(void);

/* What traps from ring 3 look like to the self-test that caused them. */
struct x86_user_trap {
    int vector;
    uint64_t error;
    uintptr_t pc;
};

/*
 * Run code in ring 3 on its own stack until it traps (interrupts, `int VECTOR_USER_RETURN` and
 * exceptions alike). Interrupts off.
 */
void x86_run_user(uintptr_t pc, uintptr_t sp, struct x86_user_trap *trap);

/* ---- interrupts (irq.c) ---- */

/* Handle a vector beyond the exceptions, acknowledge it. Interrupt context. */
void x86_irq_dispatch(struct trap_frame *frame);

/* Wait until no CPU runs a handler that was entered before. Thread context. */
void x86_irq_synchronize(void);

/* ---- start-up ---- */

/* arch_cycles() at kernel entry: the clock's zero. */
extern uint64_t x86_entry_cycles;

/* Fill `info` from what the loader left. False: the loader is unknown. */
bool x86_boot_multiboot2(struct boot_info *info, uint64_t phys, uint64_t *rsdp);
bool x86_boot_pvh(struct boot_info *info, uint64_t phys, uint64_t *rsdp);

/* [phys, phys + size) through the boot map, NULL when it reaches beyond. Before mm_init(). */
const void *x86_boot_map(uint64_t phys, uint64_t size);

/* Copy at most `size` bytes of a loader's string into info->cmdline. */
void x86_boot_cmdline(struct boot_info *info, const char *text, uint64_t size);

/* Put the secondary CPUs' first code below 1 MiB and reserve its page. Before mm_init(). */
void x86_smp_prepare(struct boot_info *info);

#endif
