/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What mimalloc asks of an operating system: addresses and memory from the application's
 * address space, randomness, settings, and nothing that prints.
 *
 * Freed memory is worth most to the host, so nothing is kept: a segment without blocks is
 * released, and parts of a segment are given up when their last block goes (malloc_purge.c).
 */
#include "internal.h"
#include "mimalloc_port.h"
#include <errno.h>
#include <neap/entropy.h>
#include <neap/panic.h>
#include <neap/space.h>
#include <neap/timer.h>

#define READ_WRITE (SPACE_READ | SPACE_WRITE)

bool malloc_kept_memory;

/* Commit; when memory is short then with the help of what waits to be given back. */
static bool commit(uintptr_t va, size_t size)
{
    return space_commit(va, size, READ_WRITE) == 0 ||
           (purge_now() && space_commit(va, size, READ_WRITE) == 0);
}

/* ---- memory ---- */

size_t _mi_os_page_size(void)
{
    return PAGE_SIZE;
}

size_t _mi_os_good_alloc_size(size_t size)
{
    return size > SIZE_MAX - PAGE_SIZE ? size : ALIGN_UP(size, PAGE_SIZE);
}

/* The record of what is left may need memory: at the latest after the decommit there is some.
 */
static void release(void *p, size_t size)
{
    uintptr_t va = (uintptr_t)p;

    size = ALIGN_UP(size, PAGE_SIZE);
    purge_forget(va, va + size, true);
    if (space_release(va, size) && space_decommit(va, size) == 0)
        (void)space_release(va, size);
}

static void *reserve(size_t size, size_t align)
{
    uintptr_t va = space_reserve(size, align);

    if (va && !commit(va, size)) {
        release((void *)va, size);
        va = 0;
    }
    return (void *)va;
}

void *_mi_os_alloc(size_t size, mi_stats_t *stats)
{
    (void)stats;
    return reserve(ALIGN_UP(size, PAGE_SIZE), PAGE_SIZE);
}

void _mi_os_free(void *p, size_t size, mi_stats_t *stats)
{
    (void)stats;
    release(p, size);
}

bool _mi_os_commit(void *p, size_t size, bool *is_zero, mi_stats_t *stats)
{
    uintptr_t start = ALIGN_DOWN((uintptr_t)p, PAGE_SIZE);
    uintptr_t end = ALIGN_UP((uintptr_t)p + size, PAGE_SIZE);

    (void)stats;
    *is_zero = false;
    purge_forget(start, end, end - start < PURGE_LARGE);
    return commit(start, end - start);
}

/* The parts of a segment that are committed now; the range may be much larger. */
static void decommit_parts(const mi_segment_t *segment, uintptr_t start, uintptr_t end)
{
    size_t idx, count;

    mi_commit_mask_foreach(&segment->commit_mask, idx, count)
    {
        uintptr_t from = MAX(start, (uintptr_t)segment + idx * MI_COMMIT_SIZE);
        uintptr_t to = MIN(end, (uintptr_t)segment + (idx + count) * MI_COMMIT_SIZE);

        if (from < to)
            purge_later(from, to);
    }
    mi_commit_mask_foreach_end()
}

bool _mi_os_decommit(void *p, size_t size, mi_stats_t *stats)
{
    uintptr_t start = ALIGN_UP((uintptr_t)p, PAGE_SIZE);
    uintptr_t end = ALIGN_DOWN((uintptr_t)p + size, PAGE_SIZE);
    const mi_segment_t *segment = _mi_ptr_segment(p);

    (void)stats;
    if (start >= end)
        return true;
    if (segment->kind == MI_SEGMENT_NORMAL)
        decommit_parts(segment, start, end);
    else
        (void)space_decommit(start, end - start); /* released soon, never used again */
    return true;
}

bool _mi_os_reset(void *p, size_t size, mi_stats_t *stats)
{
    uintptr_t start = ALIGN_UP((uintptr_t)p, PAGE_SIZE);
    uintptr_t end = ALIGN_DOWN((uintptr_t)p + size, PAGE_SIZE);

    (void)stats;
    return start >= end || space_discard(start, end - start) == 0;
}

/*
 * Addresses such that `offset` bytes into them are aligned. When not all of it is to be
 * committed then at least the head of a segment: mimalloc loses the addresses when committing
 * that fails later.
 */
void *_mi_arena_alloc_aligned(size_t size, size_t align, size_t offset, bool *commit_all,
                              bool *large, bool *is_pinned, bool *is_zero, mi_arena_id_t arena,
                              size_t *id, mi_os_tld_t *tld)
{
    size_t before = ALIGN_UP(offset, align) - offset;
    uintptr_t va;

    (void)arena, (void)tld;
    *large = false;
    *is_pinned = false;
    *is_zero = true;
    *id = 0;
    size = ALIGN_UP(size, PAGE_SIZE);
    va = size <= HEAP_SIZE ? space_reserve(before + size, align) : 0;
    if (!va)
        return NULL;
    if (commit(va + before, *commit_all ? size : MI_COMMIT_SIZE)) {
        if (before != 0)
            release((void *)va, before);
        return (void *)(va + before);
    }
    release((void *)va, before + size);
    return NULL;
}

void _mi_arena_free(void *p, size_t size, size_t align, size_t offset, size_t id,
                    bool committed, mi_stats_t *stats)
{
    (void)align, (void)offset, (void)id, (void)committed, (void)stats;
    release(p, size);
}

mi_arena_id_t _mi_arena_id_none(void)
{
    return 0;
}

bool _mi_arena_memid_is_suitable(size_t id, mi_arena_id_t arena)
{
    (void)id, (void)arena;
    return true;
}

/* ---- no cache of segments, no map of them ---- */

void *_mi_segment_cache_pop(size_t size, mi_commit_mask_t *commit_mask,
                            mi_commit_mask_t *decommit_mask, bool *large, bool *is_pinned,
                            bool *is_zero, mi_arena_id_t arena, size_t *id, mi_os_tld_t *tld)
{
    (void)size, (void)commit_mask, (void)decommit_mask, (void)large, (void)is_pinned;
    (void)is_zero, (void)arena, (void)id, (void)tld;
    return NULL;
}

bool _mi_segment_cache_push(void *start, size_t size, size_t id,
                            const mi_commit_mask_t *commit_mask,
                            const mi_commit_mask_t *decommit_mask, bool large, bool is_pinned,
                            mi_os_tld_t *tld)
{
    (void)start, (void)size, (void)id, (void)commit_mask, (void)decommit_mask, (void)large;
    (void)is_pinned, (void)tld;
    return false;
}

void _mi_segment_cache_collect(bool force, mi_os_tld_t *tld)
{
    (void)force, (void)tld;
}

void _mi_segment_map_allocated_at(const mi_segment_t *segment)
{
    (void)segment;
}

void _mi_segment_map_freed_at(const mi_segment_t *segment)
{
    (void)segment;
}

/* ---- randomness and time ---- */

void _mi_random_init(mi_random_ctx_t *context)
{
    (void)context;
}

uintptr_t _mi_random_next(mi_random_ctx_t *context)
{
    (void)context;
    return entropy() | 1; /* 0 would stand for "not chosen yet" */
}

void _mi_random_split(mi_random_ctx_t *context, mi_random_ctx_t *other)
{
    (void)context, (void)other;
}

mi_msecs_t _mi_clock_now(void)
{
    return (mi_msecs_t)(clock_ns() / NS_PER_MS);
}

/* ---- settings and messages ---- */

/* Delays of 0: what is not needed is given back at once. */
long mi_option_get(mi_option_t option)
{
    switch (option) {
    case mi_option_allow_decommit:
    case mi_option_abandoned_page_decommit:
        return 1;
    default:
        return 0;
    }
}

bool mi_option_is_enabled(mi_option_t option)
{
    return mi_option_get(option) != 0;
}

long mi_option_get_clamp(mi_option_t option, long min, long max)
{
    long value = mi_option_get(option);

    return value < min ? min : value > max ? max : value;
}

/* Too much asked for is for the caller to hear; anything else means that the heap is broken. */
void _mi_error_message(int error, const char *format, ...)
{
    if (error != ENOMEM && error != EOVERFLOW)
        panic("application: the heap is damaged (%s)", format);
}

void _mi_warning_message(const char *format, ...)
{
    (void)format;
}

void _mi_verbose_message(const char *format, ...)
{
    (void)format;
}

void _mi_os_init(void)
{
}

void _mi_stats_done(mi_stats_t *stats)
{
    (void)stats;
}

void mi_stats_reset(void)
{
}
