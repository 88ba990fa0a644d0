/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The application heap behind malloc(): addresses reserved once, committed up to the break.
 * What malloc() trims goes back to the page allocator at once, and so to the host.
 *
 * malloc() calls sbrk() under its own lock; nobody else may call it.
 */
#include <errno.h>
#include <neap/compiler.h>
#include <neap/space.h>
#include <unistd.h>

/* More than any machine has memory; the rest is for other users of the address space. */
#define HEAP_LIMIT (HEAP_SIZE / 4)

static struct {
    uintptr_t start; /* 0: not reserved yet */
    uintptr_t end;   /* the break */
    uintptr_t committed;
} heap;

static int reserve(void)
{
    if (!heap.start)
        heap.start = heap.end = heap.committed = space_reserve(HEAP_LIMIT, PAGE_SIZE);
    return heap.start ? 0 : -1;
}

/* Commit or decommit until everything below the break is committed, to a page. */
static int set_break(uintptr_t end)
{
    uintptr_t wanted = ALIGN_UP(end, PAGE_SIZE);

    if (wanted > heap.committed &&
        space_commit(heap.committed, wanted - heap.committed, SPACE_READ | SPACE_WRITE))
        return -1;
    /* Without a table for a split the memory stays for now. */
    if (wanted < heap.committed && space_decommit(wanted, heap.committed - wanted))
        wanted = heap.committed;
    heap.committed = wanted;
    heap.end = end;
    return 0;
}

void *sbrk(ptrdiff_t increment)
{
    uintptr_t before, after;

    if (reserve() == 0) {
        before = heap.end;
        after = before + (uintptr_t)increment;
        if (after - heap.start <= HEAP_LIMIT && set_break(after) == 0)
            return (void *)before;
    }
    errno = ENOMEM;
    return (void *)-1;
}
