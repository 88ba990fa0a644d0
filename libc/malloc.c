/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * malloc() and its kin: mimalloc, with a heap for each thread.
 *
 * What mimalloc leaves with its owner is given back here: large blocks that another thread
 * frees, and blocks whose owner has ended.
 */
#include "internal.h"
#include "mimalloc_port.h"
#include <errno.h>
#include <malloc.h>
#include <neap/panic.h>
#include <neap/space.h>
#include <neap/thread.h>
#include <stdlib.h>
#include <sys/lock.h>

/* Blocks from this size on have pages of their own. */
#define OWN_PAGES_MIN (MI_MEDIUM_OBJ_SIZE_MAX + 1)

/* So much freed in segments without an owner makes a thread look after those segments. */
#define ORPHANS_ENOUGH (256 * MI_KiB)

/* Where threads without state point to: it owns nothing that was allocated. */
static mi_heap_t *nobodys_heap = (mi_heap_t *)&_mi_heap_empty;
static bool started;

/* ---- threads ---- */

mi_heap_t **thread_default_heap(void)
{
    struct thread *thread = thread_current();
    struct libc_thread *state = thread ? thread->libc : NULL;

    return state ? &state->heap : &nobodys_heap;
}

/*
 * mimalloc's main heap never goes away: it belongs to nobody, so that every thread's heap is
 * one that goes with the thread.
 */
void malloc_thread_init(struct libc_thread *state)
{
    if (!__atomic_load_n(&started, __ATOMIC_ACQUIRE)) {
        __retarget_lock_acquire_recursive(&__lock___malloc_recursive_mutex);
        if (!started) {
            purge_init();
            mi_process_init();
        }
        __atomic_store_n(&started, true, __ATOMIC_RELEASE);
        __retarget_lock_release_recursive(&__lock___malloc_recursive_mutex);
    }
    state->heap = (mi_heap_t *)&_mi_heap_empty;
}

void malloc_thread_exit(struct libc_thread *state)
{
    if (mi_heap_is_initialized(state->heap))
        mi_thread_done();
}

static mi_heap_t *own_heap(void)
{
    struct libc_thread *state = libc_thread();

    return state ? state->heap : NULL;
}

/* ---- allocating ---- */

/* Take over the segments whose threads have ended, which frees what is not in use there. */
static void adopt_orphans(mi_heap_t *heap)
{
    if (!mi_heap_is_initialized(heap)) {
        mi_thread_init();
        heap = own_heap();
    }
    if (mi_heap_is_initialized(heap))
        _mi_abandoned_reclaim_all(heap, &heap->tld->segments);
}

/* An attempt failed: give up what can be, and say whether another one is worth while. */
static bool collect(void)
{
    mi_heap_t *heap = own_heap();

    if (!heap)
        return false;
    adopt_orphans(heap);
    mi_heap_collect(own_heap(), true);
    purge_now();
    return true;
}

static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size)
{
    mi_heap_t *heap = own_heap();
    void *block = heap ? mi_heap_malloc(heap, size) : NULL;

    if (__builtin_expect(!block, 0)) {
        if (size <= PTRDIFF_MAX && collect())
            block = mi_heap_malloc(own_heap(), size);
        if (!block)
            return no_memory();
    }
    return block;
}

/* Large blocks have pages of their own that were committed for them: zero, if untouched. */
void *calloc(size_t count, size_t size)
{
    size_t total;
    void *block;

    if (__builtin_mul_overflow(count, size, &total))
        return no_memory();
    block = malloc(total);
    if (block &&
        (total < PURGE_LARGE || __atomic_load_n(&malloc_kept_memory, __ATOMIC_RELAXED)))
        memset(block, 0, total);
    return block;
}

static void check_block(const void *block, const char *caller)
{
    if (!space_contains((uintptr_t)block))
        panic("application: %s() of %p, which malloc() did not return", caller, block);
}

void *realloc(void *block, size_t size)
{
    mi_heap_t *heap = own_heap();
    void *after;

    if (!block)
        return malloc(size);
    check_block(block, "realloc");
    after = heap ? mi_heap_realloc(heap, block, size) : NULL;
    if (!after && size <= PTRDIFF_MAX && collect())
        after = mi_heap_realloc(own_heap(), block, size);
    return after ? after : no_memory();
}

static void *allocate_aligned(size_t align, size_t size)
{
    mi_heap_t *heap = own_heap();
    void *block = heap ? mi_heap_malloc_aligned(heap, size, align) : NULL;

    if (!block && size <= PTRDIFF_MAX && collect())
        block = mi_heap_malloc_aligned(own_heap(), size, align);
    return block;
}

static bool power_of_two(size_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

void *memalign(size_t align, size_t size)
{
    void *block;

    if (!power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    block = allocate_aligned(align, size);
    return block ? block : no_memory();
}

void *aligned_alloc(size_t align, size_t size)
{
    return memalign(align, size);
}

int posix_memalign(void **block, size_t align, size_t size)
{
    void *found;

    if (!power_of_two(align) || align % sizeof(void *) != 0)
        return EINVAL;
    found = allocate_aligned(align, size);
    if (!found)
        return ENOMEM;
    *block = found;
    return 0;
}

void *valloc(size_t size)
{
    return memalign(PAGE_SIZE, size);
}

void *pvalloc(size_t size)
{
    return size > PTRDIFF_MAX ? no_memory() : valloc(ALIGN_UP(size, PAGE_SIZE));
}

size_t malloc_usable_size(void *block)
{
    return mi_usable_size(block);
}

/* ---- freeing ---- */

/*
 * The block's owner hears of it at its next allocation only. Until then nobody looks into the
 * block but for a link in its first bytes, so the memory behind them can go now.
 */
static void discard_contents(char *block, size_t size)
{
    uintptr_t start = ALIGN_UP((uintptr_t)block + sizeof(mi_block_t), PAGE_SIZE);
    uintptr_t end = ALIGN_DOWN((uintptr_t)block + size, PAGE_SIZE);

    if (start < end)
        (void)space_discard(start, end - start);
}

static void free_foreign(mi_segment_t *segment, mi_page_t *page, void *block)
{
    static size_t orphans;
    mi_heap_t *heap = own_heap();
    size_t size = mi_usable_size(block);
    bool orphan = mi_atomic_load_relaxed(&segment->thread_id) == 0;

    if (size >= OWN_PAGES_MIN && segment->kind == MI_SEGMENT_NORMAL)
        discard_contents(block, size);
    _mi_free_generic(segment, page, false, block);
    if (!orphan || __atomic_add_fetch(&orphans, size, __ATOMIC_RELAXED) < ORPHANS_ENOUGH)
        return;
    __atomic_store_n(&orphans, 0, __ATOMIC_RELAXED);
    if (heap)
        adopt_orphans(heap);
}

void free(void *block)
{
    mi_segment_t *segment;
    mi_page_t *page;

    if (!block)
        return;
    check_block(block, "free");
    segment = _mi_ptr_segment(block);
    page = _mi_segment_page_of(segment, block);
    if (__builtin_expect(mi_atomic_load_relaxed(&segment->thread_id) == _mi_thread_id(), 1))
        _mi_free_generic(segment, page, true, block);
    else
        free_foreign(segment, page, block);
}

int malloc_trim(size_t keep)
{
    (void)keep; /* nothing is kept but what the next blocks of a size will need */
    return collect();
}
