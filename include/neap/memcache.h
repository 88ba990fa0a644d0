/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory caches: objects set aside before a lock is taken, so that nothing under the lock can
 * fail or sleep. The page-table code of every architecture draws from one.
 */
#ifndef NEAP_MEMCACHE_H
#define NEAP_MEMCACHE_H

#include <neap/compiler.h>
#include <neap/page.h>

#define MEMCACHE_CAPACITY 16

struct memcache {
    unsigned order; /* of every object */
    unsigned count;
    uint64_t objects[MEMCACHE_CAPACITY]; /* physical addresses, zero-filled memory */
};

#define MEMCACHE_INIT(object_order) \
    {                               \
        .order = (object_order)     \
    }

/*
 * Fill up to at least `minimum` objects (<= MEMCACHE_CAPACITY). Returns 0 or -ENOMEM with what
 * was there before kept. Not under a lock that memory allocation takes.
 */
int memcache_topup(struct memcache *cache, unsigned minimum, unsigned flags) MUST_CHECK;

/* Take one object; the cache must not be empty (topped up before the lock). Any context. */
uint64_t memcache_take(struct memcache *cache);

/* Put a zero-filled object back; frees it when the cache is full. Any context. */
void memcache_put(struct memcache *cache, uint64_t object);

/* Free everything. Not under a lock that memory allocation takes. */
void memcache_drain(struct memcache *cache);

#endif
