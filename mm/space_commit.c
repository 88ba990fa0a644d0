/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Committing: entries that are absent begin to wait for their first touch, the largest ones
 * that fit. One entry stands for as much as it spans, so a huge commit costs next to nothing.
 */
#include "space.h"
#include <neap/errors.h>

struct commit {
    uint64_t pages; /* counted, or filled in */
    unsigned prot;
};

static bool count_entry(struct pgtable_walk walk, uintptr_t from, uintptr_t to, void *arg)
{
    struct commit *commit = arg;

    if (*walk.slot == PTE_NONE)
        commit->pages += (to - from) >> PAGE_SHIFT;
    return true;
}

static bool fill_entry(struct pgtable_walk walk, uintptr_t from, uintptr_t to, void *arg)
{
    struct commit *commit = arg;

    if (*walk.slot != PTE_NONE)
        return true;
    if (to - from != level_size(walk.level))
        return false;
    pte_write(walk.slot, pte_waiting(commit->prot));
    commit->pages += (to - from) >> PAGE_SHIFT;
    return true;
}

static uint64_t count_absent(uintptr_t va, uintptr_t end)
{
    struct commit commit = {0};

    while (va < end) {
        irqflags_t flags = spin_lock(&pgtable_lock);

        va = entry_run(va, end, count_entry, &commit);
        spin_unlock(&pgtable_lock, flags);
    }
    return commit.pages;
}

static bool absent(uintptr_t va)
{
    return *pgtable_walk(&kernel_pgtable, va, 0).slot == PTE_NONE;
}

/*
 * Make entries begin at both ends and fill in the outermost ones at once, so that their tables
 * are not empty and stay: all that can fail is over then. What is committed needs no split.
 */
static int commit_ends(struct commit *commit, uintptr_t start, uintptr_t end)
{
    struct pgtable_walk last;
    unsigned needed = 0;
    irqflags_t flags;

    for (;;) {
        if (pgtable_lock_with_tables(&kernel_pgtable, needed, ALLOC_DEFAULT, &flags))
            return -ENOMEM;
        needed = 0;
        if (absent(start))
            (void)entry_splits_needed(start, true, &needed);
        if (absent(end - 1))
            (void)entry_splits_needed(end, true, &needed);
        if (kernel_pgtable.cache.count >= needed)
            break;
        spin_unlock(&pgtable_lock, flags);
    }
    if (absent(start))
        entry_split_at(start, true);
    if (absent(end - 1))
        entry_split_at(end, true);
    (void)entry_run(start, end, fill_entry, commit);
    last = pgtable_walk(&kernel_pgtable, end - 1, 0);
    if (*last.slot == PTE_NONE)
        (void)entry_run(ALIGN_DOWN(end - 1, level_size(last.level)), end, fill_entry, commit);
    spin_unlock(&pgtable_lock, flags);
    return 0;
}

static int fill(struct commit *commit, uintptr_t start, uintptr_t end)
{
    while (start < end) {
        uintptr_t next = start;

        if (commit_ends(commit, start, end))
            return -ENOMEM;
        do {
            irqflags_t flags = spin_lock(&pgtable_lock);

            start = next;
            next = entry_run(start, end, fill_entry, commit);
            spin_unlock(&pgtable_lock, flags);
        } while (next != start && next < end);
        /* Stuck where another thread took out a table: make the ends again. */
        start = next;
    }
    return 0;
}

int space_commit(uintptr_t va, uint64_t size, unsigned prot)
{
    struct commit commit = {.prot = prot | (prot != SPACE_NONE ? SPACE_READ : 0)};
    uint64_t pages;
    int error;

    if ((prot & SPACE_WRITE) && (prot & SPACE_EXEC))
        return -EACCES;
    if (!space_reserved(va, size))
        return -EINVAL;
    pages = count_absent(va, va + size);
    if (space_promise(pages))
        return -ENOMEM;
    error = fill(&commit, va, va + size);
    /* What another thread committed meanwhile is promised twice. */
    space_promise_adjust((int64_t)(commit.pages - pages));
    return error;
}
