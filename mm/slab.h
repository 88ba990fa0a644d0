/* SPDX-License-Identifier: BSD-2-Clause */
/* Between kmalloc.c (which object goes where), slab.c (objects in pages) and kmalloc_debug.c.
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include "internal.h"
#include <neap/list.h>

#define SIZE_CLASSES     8 /* 16, 32, ... 2048 bytes */
#define SIZE_CLASS_MIN   16
#define SIZE_CLASS_MAX   (SIZE_CLASS_MIN << (SIZE_CLASSES - 1))
#define SLAB_OBJECTS_MAX 256

struct size_class {
    struct spinlock lock;
    uint32_t size;
    struct list partial; /* slabs with free objects */
    uint64_t objects;    /* in use */
    uint64_t slabs;
};

/* At the start of a slab's pages; takes the room of the first objects. */
struct slab {
    struct list link; /* on partial while there are free objects */
    struct size_class *class;
    uint64_t free[SLAB_OBJECTS_MAX / 64]; /* bit per object; header's own are never free */
    uint16_t in_use;
    uint16_t capacity;
};

_Static_assert(sizeof(struct slab) <= 64, "the header costs four of the smallest objects");

extern struct size_class size_classes[SIZE_CLASSES];

/* Pages of one slab, as an order: 15 objects at least. */
unsigned slab_order(const struct size_class *class);

/* Any context; flags: enum alloc_flags. NULL: no memory. */
void *slab_alloc(struct size_class *class, unsigned flags);
void slab_free(struct slab *slab, void *object);

/* The slab of an object, NULL when the address lies in none. */
struct slab *slab_of(const void *object);

/* --- kmalloc_debug.c: nothing in release builds --- */

/* Bytes that red zone and size word add to a request. */
size_t debug_extra(void);
void debug_poison_slab(void *start, size_t size);
/* An object of `size` bytes leaves in, comes back to, a slot of `slot` bytes. */
void debug_on_alloc(void *object, size_t size, size_t slot);
void debug_on_free(void *object, size_t slot);
/* The slack behind an object in whole pages. */
void debug_fill_slack(void *object, size_t size, size_t room);
void debug_check_slack(const void *object, size_t size, size_t room);

#endif
