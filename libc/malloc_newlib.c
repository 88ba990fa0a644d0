/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names under which newlib itself allocates: so its own malloc() stays out of the image.
 * errno is the calling thread's in either case.
 */
#include <malloc.h>

void *_malloc_r(struct _reent *reent, size_t size)
{
    (void)reent;
    return malloc(size);
}

void *_calloc_r(struct _reent *reent, size_t count, size_t size)
{
    (void)reent;
    return calloc(count, size);
}

void *_realloc_r(struct _reent *reent, void *block, size_t size)
{
    (void)reent;
    return realloc(block, size);
}

void _free_r(struct _reent *reent, void *block)
{
    (void)reent;
    free(block);
}

void *_memalign_r(struct _reent *reent, size_t align, size_t size)
{
    (void)reent;
    return memalign(align, size);
}

void *_valloc_r(struct _reent *reent, size_t size)
{
    (void)reent;
    return valloc(size);
}

void *_pvalloc_r(struct _reent *reent, size_t size)
{
    (void)reent;
    return pvalloc(size);
}

size_t _malloc_usable_size_r(struct _reent *reent, void *block)
{
    (void)reent;
    return malloc_usable_size(block);
}

int _malloc_trim_r(struct _reent *reent, size_t keep)
{
    (void)reent;
    return malloc_trim(keep);
}
