/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stack's memory: kernel objects under one limit, so that whatever peers send, the rest of
 * the guest has memory. What a connection had goes back when it ends.
 */
#include "internal.h"
#include <neap/alloc.h>
#include <neap/kmalloc.h>
#include <neap/memory.h>
#include <string.h>

/* In front of each object; as large as the alignment that kmalloc() gives at least. */
struct header {
    uint64_t size;
    uint64_t unused;
};

#define LIMIT_MIN   (512 * KIB)
#define LIMIT_SHARE 4 /* of all memory: one part in so many */

static uint64_t bytes, peak, failures; /* atomic */

static uint64_t limit(void)
{
    static uint64_t known;
    uint64_t value = __atomic_load_n(&known, __ATOMIC_RELAXED);

    if (!value) {
        struct memory_stats stats;

        memory_stats_get(&stats);
        value = MAX(stats.total / LIMIT_SHARE, LIMIT_MIN);
        __atomic_store_n(&known, value, __ATOMIC_RELAXED);
    }
    return value;
}

void *net_malloc(size_t size)
{
    uint64_t now = __atomic_add_fetch(&bytes, size, __ATOMIC_RELAXED);
    struct header *header = NULL;

    if (now <= limit())
        header = kmalloc(sizeof(*header) + size, ALLOC_DEFAULT);
    if (!header) {
        __atomic_sub_fetch(&bytes, size, __ATOMIC_RELAXED);
        __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    if (now > __atomic_load_n(&peak, __ATOMIC_RELAXED))
        __atomic_store_n(&peak, now, __ATOMIC_RELAXED);
    header->size = size;
    return header + 1;
}

void *net_calloc(size_t count, size_t size)
{
    size_t total;
    void *object;

    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    object = net_malloc(total);
    if (object)
        memset(object, 0, total);
    return object;
}

void net_free(void *object)
{
    struct header *header = object;

    if (!header)
        return;
    header--;
    __atomic_sub_fetch(&bytes, header->size, __ATOMIC_RELAXED);
    kfree(header);
}

void net_memory_get(struct net_memory *memory)
{
    *memory = (struct net_memory){
        .bytes = __atomic_load_n(&bytes, __ATOMIC_RELAXED),
        .peak = __atomic_load_n(&peak, __ATOMIC_RELAXED),
        .limit = limit(),
        .failures = __atomic_load_n(&failures, __ATOMIC_RELAXED),
    };
}
