/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: physical memory as a sparse file, and a software TLB over the kernel's tables. */
#include "host_cpu.h"
#include "shim.h"
#include "unit.h"
#include <arch/layout.h>
#include <arch/pgtable.h>
#include <fcntl.h>
#include <neap/memory.h>
#include <neap/sections.h>
#include <neap/space.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HOST_VIEW UINT64_C(0x500000000000)

struct pgtable_level arch_pgtable_levels[PGTABLE_LEVELS_MAX];
unsigned arch_pgtable_nr_levels;

static const struct {
    uintptr_t start, size;
} areas[] = {
    {DIRECT_MAP_BASE, SHIM_PHYS_SIZE},
    {FRAME_MAP_BASE, SHIM_PHYS_SIZE / PAGE_SIZE * 16},
    {VMAP_BASE, VMAP_SIZE},
    {HEAP_BASE, HEAP_SIZE},
};

uint64_t shim_tlb_flushes;

static int memory_fd = -1;
static uint64_t active_root;
static unsigned max_leaf = 2;
static struct sigaction previous_handler;
static sigjmp_buf try_failed;
static volatile bool trying;

/* The kernel image: 4 pages each of text, rodata and data at SHIM_IMAGE_PHYS. */
__asm__(".section .shim_image, \"aw\"\n"
        ".balign 4096\n"
        ".globl __image_start, __image_end, __text_start, __text_end\n"
        ".globl __rodata_start, __rodata_end, shim_data_start, __data_end\n"
        "__image_start:\n__text_start: .skip 16384\n__text_end:\n"
        "__rodata_start: .skip 16384\n__rodata_end:\n"
        "shim_data_start: .skip 16384\n__data_end:\n__image_end:\n"
        ".previous\n");

uint64_t image_to_phys(const void *virt)
{
    return SHIM_IMAGE_PHYS + (uint64_t)((const char *)virt - __image_start);
}

void *shim_phys(uint64_t phys)
{
    return (void *)(HOST_VIEW + phys);
}

void shim_discard(uint64_t phys, uint64_t size)
{
    if (fallocate(memory_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)phys,
                  (off_t)size))
        unit_fail(__FILE__, __LINE__, "cannot punch a hole into simulated memory");
}

uint64_t shim_backed(uint64_t phys, uint64_t size)
{
    off_t at = (off_t)phys, end = (off_t)(phys + size);
    uint64_t backed = 0;

    while (at < end) {
        off_t data = lseek(memory_fd, at, SEEK_DATA);
        off_t hole;

        if (data < 0 || data >= end)
            break;
        hole = lseek(memory_fd, data, SEEK_HOLE);
        backed += (uint64_t)(MIN(hole, end) - data);
        at = hole;
    }
    return backed;
}

static void reserve(uintptr_t start, uintptr_t size)
{
    void *want = (void *)start;

    if (mmap(want, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
             0) != want)
        unit_fail(__FILE__, __LINE__, "cannot reserve address space");
}

static void map_file(uintptr_t va, uint64_t phys, uint64_t size, int prot)
{
    void *want = (void *)va;

    if (mmap(want, size, prot, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, memory_fd,
             (off_t)phys) != want)
        unit_fail(__FILE__, __LINE__, "cannot map simulated memory");
}

/* Walk the active tables. Returns the leaf's level, or -1. */
static int walk(uintptr_t va, pte_t *leaf)
{
    uint64_t table = active_root;

    for (int level = (int)arch_pgtable_nr_levels - 1; level >= 0; level--) {
        const struct pgtable_level *geometry = &arch_pgtable_levels[level];
        uint64_t index = (va >> geometry->shift) & ((1u << geometry->index_bits) - 1);
        pte_t pte = ((pte_t *)shim_phys(table))[index];

        if (!pte_present(pte))
            return -1;
        if (pte_is_leaf(pte, (unsigned)level)) {
            *leaf = pte;
            return level;
        }
        table = pte_phys(pte, (unsigned)level);
    }
    return -1;
}

static bool in_area(uintptr_t va)
{
    for (unsigned i = 0; i < ARRAY_SIZE(areas); i++) {
        if (va >= areas[i].start && va - areas[i].start < areas[i].size)
            return true;
    }
    return false;
}

bool shim_access_ok(uintptr_t va, bool write)
{
    pte_t pte;

    if (!active_root)
        return va >= DIRECT_MAP_BASE && va - DIRECT_MAP_BASE < BOOT_MAP_SIZE;
    if (walk(va, &pte) < 0)
        return false;
    return !write || (pte & PTE_W);
}

/* A TLB miss: fill from the kernel's tables, or tell the test what was wrong. */
static void fill_tlb(uintptr_t va, bool write)
{
    uint64_t size;
    pte_t pte;
    int level;

    if (!shim_access_ok(va, write) && space_contains(va))
        (void)space_fault(va, write ? SPACE_WRITE : SPACE_READ, thread_may_sleep());
    if (!shim_access_ok(va, write) && trying)
        siglongjmp(try_failed, 1);
    if (!shim_access_ok(va, write))
        unit_fail("kernel", 0, "%s of unmapped or protected address 0x%lx",
                  write ? "write" : "read", (unsigned long)va);
    if (!active_root) {
        map_file(DIRECT_MAP_BASE, 0, BOOT_MAP_SIZE, PROT_READ | PROT_WRITE);
        return;
    }
    level = walk(va, &pte);
    size = UINT64_C(1) << arch_pgtable_levels[level].shift;
    map_file(va & ~(size - 1), pte_phys(pte, (unsigned)level), size,
             PROT_READ | (pte & PTE_W ? PROT_WRITE : 0));
}

bool shim_try_access(uintptr_t va, bool write)
{
    volatile char *byte = (volatile char *)va;
    bool worked = sigsetjmp(try_failed, 1) == 0;

    trying = worked;
    if (worked && write)
        *byte = *byte;
    else if (worked)
        (void)*byte;
    trying = false;
    return worked;
}

static void on_segv(int signal, siginfo_t *info, void *context)
{
    uintptr_t va = (uintptr_t)info->si_addr;

    (void)signal;
    if (in_area(va)) {
        fill_tlb(va, shim_was_write(va, context));
        return;
    }
    sigaction(SIGSEGV, &previous_handler,
              NULL); /* the access repeats and the sanitizer tells */
}

void arch_tlb_flush_local(uintptr_t start, uintptr_t end)
{
    shim_tlb_flushes++;
    for (unsigned i = 0; i < ARRAY_SIZE(areas); i++) {
        uintptr_t from = MAX(start, areas[i].start);
        uintptr_t to = MIN(end, areas[i].start + areas[i].size);

        if (from < to)
            reserve(from, to - from);
    }
}

uint64_t arch_pgtable_root(void)
{
    return active_root;
}

uint64_t shim_root(void)
{
    return active_root;
}

void arch_pgtable_activate(uint64_t root_phys)
{
    active_root = root_phys;
    arch_tlb_flush_local(0, UINTPTR_MAX);
}

void shim_set_max_leaf(unsigned level)
{
    max_leaf = level;
}

void arch_pgtable_init(void)
{
    static const char *const names[] = {"4 KiB", "2 MiB", "1 GiB", "512 GiB"};

    arch_pgtable_nr_levels = 4;
    for (unsigned i = 0; i < 4; i++) {
        arch_pgtable_levels[i] = (struct pgtable_level){
            .shift = (uint8_t)(PAGE_SHIFT + 9 * i),
            .index_bits = 9,
            .leaf = i <= max_leaf,
            .name = names[i],
        };
    }
}

void shim_memory_init(void)
{
    struct sigaction action = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_NODEFER};

    memory_fd = memfd_create("physical memory", 0);
    if (memory_fd < 0 || ftruncate(memory_fd, (off_t)SHIM_PHYS_SIZE))
        unit_fail(__FILE__, __LINE__, "cannot make simulated memory");
    map_file(HOST_VIEW, 0, SHIM_PHYS_SIZE, PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < ARRAY_SIZE(areas); i++)
        reserve(areas[i].start, areas[i].size);
    sigaction(SIGSEGV, &action, &previous_handler);
    sigaction(SIGBUS, &action, NULL);
}

void shim_boot_ranges(const struct phys_range *ranges, unsigned nr)
{
    static struct boot_info info;

    info.nr_memory = nr;
    memcpy(info.memory, ranges, nr * sizeof(*ranges));
    info.image.start = SHIM_IMAGE_PHYS;
    info.image.end = SHIM_IMAGE_PHYS + (uint64_t)(__image_end - __image_start);
    info.protocol = "unit test";
    mm_init(&info);
}

void shim_boot(uint64_t bytes)
{
    uint64_t first = SHIM_IMAGE_PHYS + (uint64_t)(__image_end - __image_start);
    uint64_t low = MIN(bytes, 3 * GIB);
    struct phys_range ranges[3] = {
        {0x1000, 640 * KIB},
        {first, low},
        {4 * GIB, 4 * GIB + (bytes - low)},
    };

    shim_boot_ranges(ranges, bytes > low ? 3 : 2);
    mm_init_late();
    shim_settle();
}
