// SPDX-License-Identifier: GPL-2.0
/*
 * Who holds a page, and how: KVM's mappings of guest pages and of the e500 TLB array against a
 * model of get_user_pages and pin_user_pages that counts references and pins apart. The
 * functions that take and release the pages are the kernel's own text.
 */
#include <linux/kvm.h>

#include "check.h"

#define PAGES                  16
#define PAGE_SHIFT             12
#define FOLL_WRITE             1u
#define FOLL_LONGTERM          2u
#define POISON_POINTER_DELTA   0
#define CONFIG_HAS_IOMEM       1
#define KVM_MMU_FSL_BOOKE_NOHV 0
#define KVM_MEMSLOT_INVALID    (1u << 16)
#define VM_MAP                 0
#define PAGE_KERNEL            0
#define MEMREMAP_WB            0
#define GFN_MMIO               100u /* memory without a struct page, VM_PFNMAP */
#define GFN_READ_ONLY          200u /* a slot that must not be written to */
#define HVA_BAD                (1ul << 40)
#define TLB_ADDRESS            0x2100u /* not page-aligned: the array spans two pages */

typedef u64 kvm_pfn_t;
typedef u64 gfn_t;
typedef u64 gpa_t;

struct page {
    int references, pins;
    bool long_term, dirty, accessed;
    char data[PAGE_SIZE];
};

static struct page pages_model[PAGES];

struct kvm_memory_slot {
    u32 flags;
    gfn_t base_gfn;
    unsigned long *dirty_bitmap;
};

struct kvm {
    int srcu;
    struct kvm_memory_slot slot;
};

struct kvm_vcpu {
    struct kvm *kvm;
};

struct tlbe_priv {
    int unused;
};

static struct kvm kvm;
static struct kvm_vcpu vcpu = {&kvm};
static int gup_limit = PAGES;     /* how many pages the address space has */
static int allocations_left = -1; /* the next but n allocation fails; -1: none */

#define is_power_of_2(value)              ((value) && !((value) & ((value)-1)))
#define ilog2(value)                      (31 - __builtin_clz(value))
#define round_down(value, unit)           ((value) & ~((uintptr_t)(unit)-1))
#define kmalloc_array(count, size, flags) allocate((count) * (size))
#define kcalloc(count, size, flags)       allocate((count) * (size))
#define kfree(pointer)                    free(pointer)
#define vfree(pointer)                    ((void)(pointer))
#define pfn_valid(pfn)                    ((pfn) < PAGES)
#define pfn_to_page(pfn)                  (&pages_model[pfn])
#define page_to_pfn(page)                 ((kvm_pfn_t)((page)-pages_model))
#define pfn_to_hpa(pfn)                   ((pfn) << PAGE_SHIFT)
#define kmap(page)                        ((void *)(page)->data)
#define kunmap(page)                      ((void)(page))
#define memremap(address, size, flags)    ((void *)(uintptr_t)(address))
#define memunmap(address)                 ((void)(address))
#define page_address(page)                ((void *)(page)->data)
#define virt_to_page(va) \
    (&pages_model[((char *)(va) - (char *)pages_model) / sizeof(struct page)])
#define kvm_pfn_to_refcounted_page(pfn)        (pfn_valid(pfn) ? pfn_to_page(pfn) : NULL)
#define is_error_page(page)                    (!(page))
#define WARN_ON(condition)                     ((void)(condition))
#define PageReserved(page)                     false
#define SetPageDirty(page)                     ((page)->dirty = true)
#define set_page_dirty_lock(page)              ((page)->dirty = true)
#define mark_page_accessed(page)               ((page)->accessed = true)
#define put_page(page)                         ((page)->references--)
#define kvm_is_error_hva(hva)                  ((hva) >= HVA_BAD)
#define srcu_read_lock(lock)                   ((void)(lock), 0)
#define srcu_read_unlock(lock, index)          ((void)(index))
#define gfn_to_memslot(kvm, gfn)               (&(kvm)->slot)
#define gfn_to_hva_memslot(slot, gfn)          ((gfn) << PAGE_SHIFT)
#define set_bit_le(bit, map)                   (*(map) |= 1ul << (bit))
#define kvm_vcpu_mark_page_dirty(vcpu, gfn)    ((void)(gfn))
#define kvmppc_core_flush_tlb(vcpu)            ((void)(vcpu))
#define vcpu_mmu_geometry_update(vcpu, params) ((void)(params))
#define kvmppc_recalc_tlb1map_range(vcpu)      ((void)(vcpu))

static void *allocate(size_t size)
{
    return allocations_left >= 0 && !allocations_left-- ? NULL : calloc(1, size);
}

static unsigned long copy_from_user(void *into, const void *from, size_t length)
{
    memcpy(into, from, length);
    return 0;
}

static void *vmap(struct page **pages, int count, int flags, int protection)
{
    (void)count, (void)flags, (void)protection;
    return allocations_left >= 0 && !allocations_left-- ? NULL : pages[0]->data;
}

/* Both kinds of taking pages: the address is the page's number times its size. */
static int take(unsigned long start, int count, struct page **pages, bool pin,
                unsigned int flags)
{
    int first = start >> PAGE_SHIFT, taken;

    if (first >= gup_limit)
        return -EFAULT;
    for (taken = 0; taken < count && first + taken < gup_limit; taken++) {
        pages[taken] = &pages_model[first + taken];
        pages[taken]->pins += pin;
        pages[taken]->references += !pin;
        pages[taken]->long_term = flags & FOLL_LONGTERM;
    }
    return taken;
}

static int get_user_pages_fast(unsigned long start, int count, unsigned int flags,
                               struct page **pages)
{
    return take(start, count, pages, false, flags);
}

static int pin_user_pages_fast(unsigned long start, int count, unsigned int flags,
                               struct page **pages)
{
    return take(start, count, pages, true, flags);
}

static void unpin_user_page(struct page *page)
{
    page->pins--;
}

static void unpin_user_pages(struct page **pages, unsigned long count)
{
    while (count--)
        unpin_user_page(*pages++);
}

static void unpin_user_pages_dirty_lock(struct page **pages, unsigned long count, bool dirty)
{
    for (unsigned long i = 0; i < count; i++)
        pages[i]->dirty |= dirty;
    unpin_user_pages(pages, count);
}

static unsigned long gfn_to_hva(struct kvm *of, gfn_t gfn)
{
    (void)of;
    return gfn == GFN_READ_ONLY ? HVA_BAD : gfn << PAGE_SHIFT;
}

static kvm_pfn_t gfn_to_pfn(struct kvm *of, gfn_t gfn)
{
    (void)of;
    if (gfn == GFN_READ_ONLY)
        return 0x7ffull << 52;
    if (gfn < PAGES)
        pages_model[gfn].references++;
    return gfn;
}

#include "extracted.inc"

static bool held(int page, int references, int pins)
{
    return pages_model[page].references == references && pages_model[page].pins == pins;
}

static bool nothing_held(void)
{
    bool free_all = true;

    for (int i = 0; i < PAGES; i++)
        free_all = free_all && held(i, 0, 0);
    return free_all;
}

static void start(void)
{
    memset(pages_model, 0, sizeof(pages_model));
    gup_limit = PAGES;
    allocations_left = -1;
}

static void host_map(void)
{
    struct kvm_host_map map = {0};

    start();
    check(!kvm_vcpu_map(&vcpu, 3, &map) && held(3, 0, 1), "kvm_vcpu_map pins the page");
    check(map.pfn == 3 && map.gfn == 3 && map.hva == pages_model[3].data,
          "still kvm_vcpu_map maps that page");
    kvm_vcpu_unmap(&vcpu, &map, true);
    check(nothing_held() && pages_model[3].dirty && pages_model[3].accessed && !map.hva,
          "still kvm_vcpu_unmap releases the page dirty");

    start();
    kvm_vcpu_map(&vcpu, 4, &map);
    kvm_vcpu_unmap(&vcpu, &map, false);
    check(nothing_held() && !pages_model[4].dirty,
          "still kvm_vcpu_unmap releases a clean page clean");

    start();
    check(!kvm_vcpu_map(&vcpu, GFN_MMIO, &map) && map.page == KVM_UNMAPPED_PAGE,
          "still memory without a page is mapped");
    kvm_vcpu_unmap(&vcpu, &map, true);
    check(nothing_held() && !map.hva, "still memory without a page is unmapped");
    check(kvm_vcpu_map(&vcpu, GFN_READ_ONLY, &map) == -EINVAL && nothing_held(),
          "still a read-only slot is refused");
}

static void guest_page(void)
{
    unsigned long left = 0, bitmap = 0;
    char *va;

    start();
    kvm.slot.dirty_bitmap = &bitmap;
    va = kvmppc_pin_guest_page(&kvm, 5 * PAGE_SIZE + 0x80, &left);
    check(va == pages_model[5].data + 0x80 && left == PAGE_SIZE - 0x80 && held(5, 0, 1) &&
              !pages_model[5].long_term,
          "kvmppc_pin_guest_page pins the page");
    kvmppc_unpin_guest_page(&kvm, va, 5 * PAGE_SIZE + 0x80, true);
    check(nothing_held() && bitmap == 1ul << 5,
          "still kvmppc_unpin_guest_page releases and logs the page");
    gup_limit = 2;
    check(!kvmppc_pin_guest_page(&kvm, 5 * PAGE_SIZE, NULL) && nothing_held(),
          "still a page that is not there is refused");
}

static int config_tlb(struct kvmppc_vcpu_e500 *e500)
{
    static struct kvm_book3e_206_tlb_params params = {.tlb_sizes = {128, 64},
                                                      .tlb_ways = {2, 64}};
    struct kvm_config_tlb config = {.params = (uintptr_t)&params,
                                    .array = TLB_ADDRESS,
                                    .mmu_type = KVM_MMU_FSL_BOOKE_NOHV,
                                    .array_len = 192 * sizeof(struct kvm_book3e_206_tlb_entry)};

    memset(e500, 0, sizeof(*e500));
    return kvm_vcpu_ioctl_config_tlb(&e500->vcpu, &config);
}

static void tlb_array(void)
{
    struct kvmppc_vcpu_e500 e500;
    bool released = true;

    start();
    check(!config_tlb(&e500) && held(2, 0, 1) && held(3, 0, 1) && pages_model[3].long_term,
          "KVM_CONFIG_TLB pins the array for long");
    free_gtlb(&e500);
    check(nothing_held() && pages_model[2].dirty && pages_model[3].dirty &&
              !e500.shared_tlb_pages,
          "still freeing the vCPU's TLB releases the array dirty");

    start();
    gup_limit = 3;
    check(config_tlb(&e500) == -EFAULT && nothing_held(),
          "still an array that is partly there is refused and released");
    for (int i = 0; i < 5; i++) {
        start();
        allocations_left = i;
        released = released && config_tlb(&e500) == -ENOMEM && nothing_held();
    }
    check(released, "still the array is released when memory is short");
}

int main(void)
{
    host_map();
    guest_page();
    tlb_array();
    return checks_end();
}
