/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory mappings of applications, straight from the address space.
 */
#include <errno.h>
#include <neap/compiler.h>
#include <neap/space.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(PROT_READ == SPACE_READ && PROT_WRITE == SPACE_WRITE && PROT_EXEC == SPACE_EXEC,
               "the protections are the same numbers");

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)
#define MAP_KNOWN                                                                         \
    (MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE | MAP_STACK | \
     MAP_FIXED_NOREPLACE)

#define LARGE_PAGE (PAGE_SIZE << PAGEBLOCK_ORDER)

/* 0, or -1 with errno from a negative error value. */
static int result(int error)
{
    if (error == 0)
        return 0;
    errno = -error;
    return -1;
}

/* The whole pages that a caller means. Returns 0, -EINVAL, or -ENOMEM: outside of the area. */
static int pages_of(void *address, size_t length, uintptr_t *va, uint64_t *size)
{
    *va = (uintptr_t)address;
    *size = ALIGN_UP((uint64_t)length, PAGE_SIZE);
    if (length == 0 || !IS_ALIGNED(*va, PAGE_SIZE))
        return -EINVAL;
    if (*size < length || *size > HEAP_SIZE || !space_contains(*va) ||
        !space_contains(*va + *size - 1))
        return -ENOMEM;
    return 0;
}

/* A range that is not mapped as a whole. */
static int as_unmapped(int error)
{
    return error == -EINVAL ? -ENOMEM : error;
}

/* ---- mmap ---- */

static int check_request(size_t length, int prot, int flags, int fd)
{
    if (length == 0 || (prot & ~PROT_ALL) || !(flags & (MAP_PRIVATE | MAP_SHARED)))
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS))
        return fd >= STDIN_FILENO && fd <= STDERR_FILENO ? -ENODEV : -EBADF;
    if (flags & MAP_SHARED)
        return -ENOTSUP;
    if (flags & ~MAP_KNOWN)
        return -EINVAL;
    if ((prot & PROT_WRITE) && (prot & PROT_EXEC))
        return -EACCES;
    return 0;
}

/* Addresses exactly there; what is mapped there goes unless the caller forbids it. */
static int reserve_fixed(uintptr_t va, uint64_t size, int flags)
{
    int error = space_reserve_at(va, size);

    if (error == -EEXIST && !(flags & MAP_FIXED_NOREPLACE))
        error = as_unmapped(space_decommit(va, size));
    return error;
}

static uintptr_t reserve_anywhere(uintptr_t hint, uint64_t size)
{
    hint = ALIGN_UP(hint, PAGE_SIZE);
    if (hint && space_reserve_at(hint, size) == 0)
        return hint;
    return space_reserve(size, size >= LARGE_PAGE ? LARGE_PAGE : PAGE_SIZE);
}

/* Back the range with memory where `access` is allowed. */
static void populate(uintptr_t va, uint64_t size, unsigned access)
{
    for (uint64_t done = 0; done < size; done += PAGE_SIZE)
        (void)space_fault(va + done, access, true);
}

void *mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset)
{
    uint64_t size = ALIGN_UP((uint64_t)length, PAGE_SIZE);
    uintptr_t va = (uintptr_t)address;
    int error = check_request(length, prot, flags, fd);

    (void)offset; /* of a file */
    if (!error && (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))) {
        error = pages_of(address, length, &va, &size);
        if (!error)
            error = reserve_fixed(va, size, flags);
    } else if (!error) {
        va = size < length || size > HEAP_SIZE ? 0 : reserve_anywhere(va, size);
        error = va ? 0 : -ENOMEM;
    }
    if (!error && prot != PROT_NONE) {
        error = space_commit(va, size, (unsigned)prot);
        if (error)
            (void)space_release(va, size);
    }
    if (error)
        return result(error), MAP_FAILED;
    if (flags & MAP_POPULATE)
        populate(va, size, prot & PROT_WRITE ? SPACE_WRITE : SPACE_READ);
    return (void *)va;
}

/* ---- the others ---- */

int munmap(void *address, size_t length)
{
    uintptr_t va;
    uint64_t size;
    int error = pages_of(address, length, &va, &size);

    return result(error == -ENOMEM ? -EINVAL : error ? error : space_release(va, size));
}

/* 0 when at least a part of the range is mapped. */
static int some_mapped(uintptr_t va, uint64_t size)
{
    int error = space_reserve_at(va, size);

    if (error == 0)
        (void)space_release(va, size);
    return error == -EEXIST ? 0 : -ENOMEM;
}

/* Pages that are only reserved have no protection that could change. */
static int forbid_access(uintptr_t va, uint64_t size)
{
    int error = space_protect(va, size, SPACE_NONE);

    if (error != -EINVAL)
        return error;
    error = some_mapped(va, size);
    for (uint64_t done = 0; !error && done < size; done += PAGE_SIZE) {
        error = space_protect(va + done, PAGE_SIZE, SPACE_NONE);
        error = error == -EINVAL ? 0 : error;
    }
    return error;
}

/* What was only reserved becomes usable; what was in use keeps its contents. */
static int allow_access(uintptr_t va, uint64_t size, unsigned prot)
{
    int error = space_commit(va, size, prot);

    return as_unmapped(error ? error : space_protect(va, size, prot));
}

int mprotect(void *address, size_t length, int prot)
{
    uintptr_t va;
    uint64_t size;
    int error = pages_of(address, length, &va, &size);

    if (!error && (prot & ~PROT_ALL))
        error = -EINVAL;
    if (!error && prot == PROT_NONE)
        error = forbid_access(va, size);
    else if (!error)
        error = allow_access(va, size, (unsigned)prot);
    return result(error);
}

int madvise(void *address, size_t length, int advice)
{
    uintptr_t va;
    uint64_t size;
    int error = pages_of(address, length, &va, &size);

    if (!error)
        error = some_mapped(va, size);
    if (error)
        return result(error);
    switch (advice) {
    case MADV_DONTNEED:
    case MADV_FREE:
        return result(as_unmapped(space_discard(va, size)));
    case MADV_WILLNEED:
        populate(va, size, SPACE_READ);
        return 0;
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
        return 0;
    default:
        return result(-EINVAL);
    }
}

/* Memory without a file behind it is never out of date. */
int msync(void *address, size_t length, int flags)
{
    uintptr_t va;
    uint64_t size;
    int error = pages_of(address, length, &va, &size);

    if (!error && ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) ||
                   !(flags & MS_ASYNC) == !(flags & MS_SYNC)))
        error = -EINVAL;
    return result(error ? error : some_mapped(va, size));
}

int getpagesize(void)
{
    return PAGE_SIZE;
}
