/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel objects of any size: slabs up to the largest size class, whole blocks of pages above.
 * The owner word of a block's frame tells the two apart: a slab's address is even, the size of
 * a large object is stored with the lowest bit set.
 */
#include "slab.h"
#include <neap/kmalloc.h>
#include <neap/panic.h>
#include <string.h>

static uint64_t large_bytes, large_pages;

/* The smallest power of two that is large enough. */
static struct size_class *class_for(size_t size)
{
    unsigned index = 0;

    if (size > SIZE_CLASS_MIN)
        index = 64 - (unsigned)__builtin_clzll((size - 1) / SIZE_CLASS_MIN);
    return index < SIZE_CLASSES ? &size_classes[index] : NULL;
}

static void *alloc_large(size_t size, unsigned flags)
{
    unsigned order = 0;
    struct page *page;

    while (order <= MAX_ORDER && (PAGE_SIZE << order) < size)
        order++;
    page = alloc_pages(order, PAGE_KERNEL, flags);
    if (!page)
        return NULL;
    page->owner = (uint64_t)size << 1 | 1;
    __atomic_add_fetch(&large_bytes, size, __ATOMIC_RELAXED);
    __atomic_add_fetch(&large_pages, order_pages(order), __ATOMIC_RELAXED);
    debug_fill_slack(page_to_virt(page), size, PAGE_SIZE << order);
    return page_to_virt(page);
}

static void free_large(struct page *page)
{
    unsigned order = page->order;
    size_t size = page->owner >> 1;

    debug_check_slack(page_to_virt(page), size, PAGE_SIZE << order);
    __atomic_sub_fetch(&large_bytes, size, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&large_pages, order_pages(order), __ATOMIC_RELAXED);
    free_pages(page, order);
}

void *kmalloc(size_t size, unsigned flags)
{
    struct size_class *class = class_for(size + debug_extra());
    void *object;

    if (size == 0 || size > PAGE_SIZE << MAX_ORDER || failpoint_hit())
        return NULL;
    if (!class)
        return alloc_large(size, flags);
    object = slab_alloc(class, flags);
    if (!object)
        return NULL;
    debug_on_alloc(object, size, class->size);
    if (flags & ALLOC_ZERO)
        memset(object, 0, size);
    return object;
}

void *kcalloc(size_t count, size_t size, unsigned flags)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return kmalloc(bytes, flags | ALLOC_ZERO);
}

void kfree(void *object)
{
    struct page *page;
    struct slab *slab;

    if (!object)
        return;
    if ((uintptr_t)object < DIRECT_MAP_BASE || !block_page(virt_to_phys(object) >> PAGE_SHIFT))
        panic("kfree of %p: not in memory of kmalloc()", object);
    page = virt_to_page(object);
    if (page->state == PAGE_ALLOCATED && (page->owner & 1) && page_to_virt(page) == object) {
        free_large(page);
        return;
    }
    slab = slab_of(object);
    if (!slab)
        panic("kfree of %p: double free, or not from kmalloc()", object);
    slab_free(slab, object);
}

void kmalloc_stats(uint64_t *object_bytes, uint64_t *pages)
{
    *object_bytes = __atomic_load_n(&large_bytes, __ATOMIC_RELAXED);
    *pages = __atomic_load_n(&large_pages, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < SIZE_CLASSES; i++) {
        irqflags_t irq = spin_lock(&size_classes[i].lock);

        *object_bytes += size_classes[i].objects * size_classes[i].size;
        *pages += size_classes[i].slabs << slab_order(&size_classes[i]);
        spin_unlock(&size_classes[i].lock, irq);
    }
}
