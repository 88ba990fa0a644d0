/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slabs: a few pages cut into objects of one size. Which objects are free is a bitmap in the
 * slab's header, so a double free is seen in every build and a stray write after free cannot
 * lead the allocator astray. Every frame of a slab names the slab as its owner.
 */
#include "slab.h"
#include <neap/panic.h>

#define SIZE_CLASS(index)                                                                    \
    {                                                                                        \
        .lock = SPINLOCK_INIT("kmalloc", LOCK_RANK_KMALLOC),                                 \
        .size = SIZE_CLASS_MIN << (index), .partial = LIST_INIT(size_classes[index].partial) \
    }

struct size_class size_classes[SIZE_CLASSES] = {
    SIZE_CLASS(0), SIZE_CLASS(1), SIZE_CLASS(2), SIZE_CLASS(3),
    SIZE_CLASS(4), SIZE_CLASS(5), SIZE_CLASS(6), SIZE_CLASS(7),
};

unsigned slab_order(const struct size_class *class)
{
    unsigned order = 0;

    while ((PAGE_SIZE << order) / class->size < 16)
        order++;
    return order;
}

static unsigned header_objects(const struct size_class *class)
{
    return (unsigned)((sizeof(struct slab) + class->size - 1) / class->size);
}

static struct slab *slab_create(struct size_class *class, unsigned flags)
{
    unsigned order = slab_order(class);
    unsigned objects = (unsigned)((PAGE_SIZE << order) / class->size);
    struct page *page = alloc_pages(order, PAGE_KERNEL, flags & ~(unsigned)ALLOC_ZERO);
    struct slab *slab;

    if (!page)
        return NULL;
    slab = page_to_virt(page);
    debug_poison_slab(slab, PAGE_SIZE << order);
    *slab = (struct slab){.class = class};
    list_init(&slab->link);
    for (unsigned i = header_objects(class); i < objects; i++)
        slab->free[i / 64] |= UINT64_C(1) << i % 64;
    slab->capacity = (uint16_t)(objects - header_objects(class));
    for (uint64_t i = 0; i < order_pages(order); i++)
        page[i].owner = (uint64_t)(uintptr_t)slab;
    return slab;
}

/* Under the class's lock; the slab has a free object. */
static void *take_object(struct size_class *class, struct slab *slab)
{
    unsigned word = 0, index;

    while (!slab->free[word])
        word++;
    index = word * 64 + (unsigned)__builtin_ctzll(slab->free[word]);
    slab->free[word] &= slab->free[word] - 1;
    class->objects++;
    if (++slab->in_use == slab->capacity)
        list_remove(&slab->link);
    return (char *)slab + (size_t)index * class->size;
}

void *slab_alloc(struct size_class *class, unsigned flags)
{
    irqflags_t irq = spin_lock(&class->lock);
    struct list *first = list_first(&class->partial);
    struct slab *slab;
    void *object = NULL;

    if (first)
        object = take_object(class, list_entry(first, struct slab, link));
    spin_unlock(&class->lock, irq);
    if (object)
        return object;
    slab = slab_create(class, flags);
    if (!slab)
        return NULL;
    irq = spin_lock(&class->lock);
    class->slabs++;
    list_push_front(&class->partial, &slab->link);
    object = take_object(class, slab);
    spin_unlock(&class->lock, irq);
    return object;
}

void slab_free(struct slab *slab, void *object)
{
    struct size_class *class = slab->class;
    size_t offset = (size_t)((char *)object - (char *)slab);
    size_t index = offset / class->size;
    irqflags_t irq;
    bool empty;

    if (offset % class->size || index < header_objects(class))
        panic("kfree of %p: not the start of an object of %u bytes", object, class->size);
    irq = spin_lock(&class->lock);
    if (slab->free[index / 64] >> index % 64 & 1)
        panic("kfree of %p: double free of an object of %u bytes", object, class->size);
    debug_on_free(object, class->size);
    slab->free[index / 64] |= UINT64_C(1) << index % 64;
    class->objects--;
    if (slab->in_use-- == slab->capacity)
        list_push_front(&class->partial, &slab->link);
    empty = slab->in_use == 0;
    if (empty) {
        list_remove(&slab->link);
        class->slabs--;
    }
    spin_unlock(&class->lock, irq);
    if (empty)
        free_pages(virt_to_page(slab), slab_order(class));
}

/* Frames of one granule exist together, and no slab reaches beyond its granule. */
static bool same_granule(const void *a, const void *b)
{
    return ((uintptr_t)a ^ (uintptr_t)b) < GRANULE_PAGES * PAGE_SIZE;
}

struct slab *slab_of(const void *object)
{
    struct slab *slab = (struct slab *)(uintptr_t)virt_to_page(object)->owner;
    const struct page *head;

    if ((uintptr_t)slab < DIRECT_MAP_BASE || !IS_ALIGNED((uintptr_t)slab, PAGE_SIZE) ||
        (const char *)object < (const char *)slab || !same_granule(object, slab))
        return NULL;
    head = virt_to_page(slab);
    if (head->state != PAGE_ALLOCATED || head->owner != (uint64_t)(uintptr_t)slab ||
        slab->class < size_classes || slab->class >= size_classes + SIZE_CLASSES ||
        virt_to_page(object) >= head + order_pages(head->order))
        return NULL;
    return slab;
}
