/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine that unit tests run kernel code on.
 *
 * Memory: a sparse file of SHIM_PHYS_SIZE bytes is physical memory. The kernel's virtual areas
 * (direct map, frame map, vmap, heap) are empty address space; an access faults, the shim walks
 * the kernel's own page tables, checks the protection and maps that leaf of the file: a
 * software TLB. So a missing mapping, a wrong protection or a missing TLB flush shows as on
 * hardware. Before arch_pgtable_activate() physical 0 .. 4 GiB is reachable (the boot map).
 * Device models use shim_phys(), which needs no mapping.
 *
 * Time: a virtual clock that moves only when every thread waits (then straight to the next
 * timer or timeout) or polls (arch_cpu_relax(): 1 us). Threads are coroutines; they switch
 * where they wait, and at every spin_unlock() with shim_chaos(). All of it is deterministic.
 *
 * Debug lock-rank checks are on. panic() fails the test unless EXPECT_PANIC() asked for it.
 */
#ifndef SHIM_H
#define SHIM_H

#include <arch/boot.h>
#include <arch/pci.h>
#include <neap/compiler.h>
#include <neap/cpu.h>
#include <neap/thread.h>
#include <stdbool.h>
#include <stdint.h>

#define SHIM_PHYS_SIZE  (UINT64_C(4) << 40)
#define SHIM_IMAGE_PHYS (UINT64_C(1) << 20)

/* --- machine --- */

/*
 * Start a machine like a PC with `bytes` of memory: 0x1000..640 KiB, then from the end of the
 * kernel image at 1 MiB; beyond 3 GiB the rest lies above 4 GiB. Runs mm_init() and
 * mm_init_late(). Once per test.
 */
void shim_boot(uint64_t bytes);

/* The same with ranges of one's own and without mm_init_late(). */
void shim_boot_ranges(const struct phys_range *ranges, unsigned nr);

/* Settings before shim_boot(): number of CPUs (default 1), largest page level (default 2). */
void shim_set_cpus(unsigned count);
void shim_set_max_leaf(unsigned level);

/* Run on simulated CPU `number` from now on. */
void shim_run_on(unsigned number);

/* How often one CPU called all others. */
extern uint64_t shim_cross_calls;

/* Let other coroutines and CPUs in at every spin_unlock(), by `seed`; 0: off. */
void shim_chaos(uint64_t seed);

/*
 * With shim_chaos(): while a thread that may not be preempted makes a cross call, the threads
 * of other CPUs run on.
 */
extern bool shim_chaos_calls;

/* Set while a test looks at everything at once: nobody else runs then. */
extern bool shim_chaos_held;

/* --- memory --- */

/* The device's view of physical memory: always there. */
void *shim_phys(uint64_t phys);

/* What a host does with reported or inflated memory: its contents are gone. */
void shim_discard(uint64_t phys, uint64_t size);

/* Bytes of a range that somebody has touched since the start or the last discard. */
uint64_t shim_backed(uint64_t phys, uint64_t size);

/* Does an access by the kernel to `va` work, by its page tables? */
bool shim_access_ok(uintptr_t va, bool write);

/* How often translations were thrown away. */
extern uint64_t shim_tlb_flushes;

/* Access one byte at `va` as the kernel would, stale translations included: did it work? */
bool shim_try_access(uintptr_t va, bool write);

/* --- time and threads --- */

extern uint64_t shim_clock_ns;

/* Let every ready thread run until all wait; the clock stands still. */
void shim_settle(void);

/* Let `ns` of virtual time pass. */
void shim_advance(uint64_t ns);

/* The processor's random numbers; NULL: it has none. */
extern uint64_t (*shim_random)(void);

/* Timers that are armed now: 0 means that nothing will wake an idle machine. */
unsigned shim_timers_armed(void);

/* --- log --- */

/* How many log lines contained `text` so far. */
unsigned shim_log_count(const char *text);
void shim_log_clear(void);
extern bool shim_verbose;

/* --- devices --- */

struct shim_mmio {
    uint64_t (*read)(void *model, uint64_t offset, unsigned width);
    void (*write)(void *model, uint64_t offset, unsigned width, uint64_t value);
};
/* Put a device model at a physical range; drivers reach it through mmio_map(). */
void shim_mmio_register(uint64_t phys, uint64_t size, const struct shim_mmio *ops, void *model);
void shim_mmio_clear(void);

struct shim_pci {
    uint32_t (*read)(pci_bdf_t bdf, unsigned offset, unsigned width);
    void (*write)(pci_bdf_t bdf, unsigned offset, unsigned width, uint32_t value);
};
/* Without one, configuration space reads all ones. */
void shim_pci_set(const struct shim_pci *ops);

/* Raise a vector of arch_irq_alloc(), or a platform line; runs when interrupts are on. */
void shim_irq_raise(int vector);
void shim_irq_raise_line(unsigned line);
/* Make the next `n` allocations of a vector fail with -ENOSPC. */
void shim_irq_fail(unsigned n);

/* arch_msi_compose() gives this address and the vector as data. */
/* Memory that the machine may have ends here. */
#define SHIM_MEMORY_LIMIT (UINT64_C(8) << 40)

/* All memory from here on belongs to a NUMA node. */
#define SHIM_NODE_START (UINT64_C(8) << 30)
#define SHIM_NODE       3

#define SHIM_MSI_ADDRESS UINT64_C(0xfee00000)

/* Call the setter of a key of the kernel command line; -ENOENT: there is no such key. */
int shim_cmdline_set(const char *name, const char *value);

/* --- used inside the shim --- */

void shim_init(void);
void shim_memory_init(void);
void shim_sched_init(void);
void shim_sched_reset_after_panic(void);
void shim_preempt_point(void);
void shim_others_run(void);
/* Run due timers in interrupt context; the deadline of the next one. */
void shim_timers_run(void);
uint64_t shim_timers_next(void);
void shim_irq_enter(irqflags_t *flags);
void shim_irq_exit(irqflags_t flags);
bool shim_in_interrupt(void);
bool shim_on_main_stack(void);
void shim_escape_to_main(void) NORETURN;
uint64_t shim_root(void);

#endif
