/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory caches: objects set aside before a lock is taken. The caller sees to it that one
 * thread at a time uses a cache.
 */
#include <neap/alloc.h>
#include <neap/errors.h>
#include <neap/memcache.h>
#include <neap/panic.h>

int memcache_topup(struct memcache *cache, unsigned minimum, unsigned flags)
{
    ASSERT(minimum <= MEMCACHE_CAPACITY);
    while (cache->count < minimum) {
        struct page *page = alloc_pages(cache->order, PAGE_KERNEL, flags | ALLOC_ZERO);

        if (!page)
            return -ENOMEM;
        cache->objects[cache->count++] = page_to_phys(page);
    }
    return 0;
}

uint64_t memcache_take(struct memcache *cache)
{
    ASSERT(cache->count > 0);
    return cache->objects[--cache->count];
}

void memcache_put(struct memcache *cache, uint64_t object)
{
    if (cache->count < MEMCACHE_CAPACITY)
        cache->objects[cache->count++] = object;
    else
        free_pages(phys_to_page(object), cache->order);
}

void memcache_drain(struct memcache *cache)
{
    while (cache->count > 0)
        free_pages(phys_to_page(memcache_take(cache)), cache->order);
}
