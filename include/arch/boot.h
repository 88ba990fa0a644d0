/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the architecture tells the kernel at start-up.
 *
 * The entry code of each boot protocol fills one struct boot_info and calls
 * kernel_main() on the boot CPU with interrupts off, a valid stack, and the
 * boot page tables (every range in `memory` that is named low enough for the
 * architecture's boot map is readable at phys_to_virt()).
 */
#ifndef ARCH_BOOT_H
#define ARCH_BOOT_H

#include <stdint.h>

#define BOOT_RANGES_MAX  64
#define BOOT_CMDLINE_MAX 1024

/* A physical range, bytes; end is exclusive. */
struct phys_range {
    uint64_t start;
    uint64_t end;
};

struct boot_info {
    /* Usable memory, sorted, not overlapping, page aligned, with the kernel
     * image and everything the architecture still needs already removed. */
    struct phys_range memory[BOOT_RANGES_MAX];
    unsigned nr_memory;
    /* Memory that the loader described but that made no sense was dropped: how often. */
    unsigned nr_dropped;
    struct phys_range image;        /* the kernel image, page aligned */
    const char *protocol;           /* "pvh", "multiboot2", ...: for the log */
    uint64_t entry_cycles;          /* arch_cycles() at the first instruction */
    char cmdline[BOOT_CMDLINE_MAX]; /* always terminated */
    int cmdline_truncated;          /* the loader's string did not fit */
};

/*
 * Remove [start, end) from the usable memory of `info`, splitting a range if it must.
 * Boot CPU only, before mm_init(). Implemented in kernel/boot_memory.c.
 */
void boot_memory_reserve(struct boot_info *info, uint64_t start, uint64_t end);

/*
 * Add a usable range. Overlaps are merged, edges are rounded inward to pages, empty or
 * wrapping ranges are dropped and counted. When the table is full the smallest range goes.
 */
void boot_memory_add(struct boot_info *info, uint64_t start, uint64_t end);

/*
 * Take out of the usable memory what withhold= on the command line asks for, and say so if
 * there is no such range. Boot CPU only, before mm_init(). Implemented in
 * kernel/boot_withhold.c.
 */
void boot_memory_withhold(struct boot_info *info);

/* What was taken out, whole pieces of 2 MiB; empty: nothing. Any context after that. */
struct phys_range boot_memory_withheld(void);

/* The kernel's first C function after the architecture's own: never returns. */
void kernel_main(struct boot_info *info) __attribute__((noreturn));

/*
 * Devices of the platform that need memory and interrupts to be found (ACPI tables, interrupt
 * controllers, clocks). Called once by kernel_main() after mm_init(), interrupts off.
 */
void arch_platform_init(void);

/*
 * The NUMA node (ACPI: proximity domain) that firmware names for the address, which need not
 * have memory yet; -1: none is named. After arch_platform_init(), any context.
 */
int arch_memory_node(uint64_t phys);

/*
 * The physical address from which on there will never be memory, as the machine says;
 * UINT64_MAX: it does not say. After arch_platform_init(), any context.
 */
uint64_t arch_memory_limit(void);

/* A random number of the CPU's own; 0 if it has none to give. For entropy(). Any context. */
uint64_t arch_random(void);

#endif
