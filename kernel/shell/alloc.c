/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc and free: hold memory as an application would, to watch it come and go on the host.
 */
#include "commands.h"
#include <neap/alloc.h>
#include <neap/console.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/kmalloc.h>
#include <neap/list.h>
#include <neap/lock.h>
#include <neap/log.h>
#include <neap/timer.h>

/* One `alloc`. Its blocks are chained through the owner's word of their frames. */
struct holding {
    struct list link;
    uint64_t id;
    uint64_t bytes;
    struct page *blocks;
};

#define PROGRESS_NS (2 * NS_PER_S)

static struct mutex lock = MUTEX_INIT(lock, "holdings", LOCK_RANK_SHELL);
static struct list holdings = LIST_INIT(holdings); /* under lock */
static uint64_t last_id;                           /* under lock */

static void touch(struct page *page, unsigned order)
{
    volatile uint64_t *word = page_to_virt(page);

    for (uint64_t i = 0; i < UINT64_C(1) << order; i++)
        word[i * PAGE_SIZE / sizeof(*word)] = i + 1;
}

static uint64_t give_back(struct holding *holding)
{
    uint64_t bytes = 0;

    while (holding->blocks) {
        struct page *page = holding->blocks;
        unsigned order = page->order;

        holding->blocks = (struct page *)(uintptr_t)page->owner;
        bytes += PAGE_SIZE << order;
        free_pages(page, order);
    }
    return bytes;
}

/* Take blocks of the largest orders that there are. Returns 0, -ENOMEM or -EINTR. */
static int take(struct holding *holding, uint64_t bytes)
{
    uint64_t shown_ns = clock_ns();
    unsigned order = MAX_ORDER;

    while (holding->bytes < bytes) {
        struct page *page;

        if (console_interrupted())
            return -EINTR;
        while (order > 0 && PAGE_SIZE << order > bytes - holding->bytes)
            order--;
        page = alloc_pages(order, PAGE_MOVABLE, ALLOC_DEFAULT);
        if (page == NULL && order == 0)
            return -ENOMEM;
        if (page == NULL) {
            order--;
            continue;
        }
        touch(page, order);
        page->owner = (uintptr_t)holding->blocks;
        holding->blocks = page;
        holding->bytes += PAGE_SIZE << order;
        if (clock_ns() - shown_ns > PROGRESS_NS) {
            shown_ns = clock_ns();
            kprintf("alloc: %llu %%\n",
                    (unsigned long long)(holding->bytes / (bytes / 100 + 1)));
        }
    }
    return 0;
}

/* A command that did not succeed leaves nothing behind. */
static int give_up(struct holding *holding, uint64_t wanted, int error)
{
    char taken[FORMAT_SIZE_MAX], size[FORMAT_SIZE_MAX];

    kprintf("%s: %s of %s were taken and are free again\n",
            error == -EINTR ? "^C\nalloc: stopped" : "alloc: out of memory",
            format_size(taken, holding->bytes), format_size(size, wanted));
    give_back(holding);
    kfree(holding);
    return error;
}

static void keep(struct holding *holding)
{
    mutex_lock(&lock);
    holding->id = ++last_id;
    list_push_back(&holdings, &holding->link);
    mutex_unlock(&lock);
}

static int alloc(int argc, char **argv)
{
    const char *word = shell_word(argc, argv, 0);
    char size[FORMAT_SIZE_MAX];
    uint64_t bytes, begin = clock_ns();
    struct holding *holding;
    int error;

    if (word == NULL || parse_size(word, &bytes) != 0 || bytes == 0 ||
        bytes > UINT64_MAX - PAGE_SIZE)
        return -EINVAL;
    bytes = ALIGN_UP(bytes, PAGE_SIZE);
    holding = kcalloc(1, sizeof(*holding), ALLOC_DEFAULT);
    if (holding == NULL)
        return -ENOMEM;
    error = take(holding, bytes);
    if (error)
        return give_up(holding, bytes, error);
    keep(holding);
    kprintf("alloc: id %llu, %s in %llu us\n", (unsigned long long)holding->id,
            format_size(size, bytes), (unsigned long long)((clock_ns() - begin) / NS_PER_US));
    return 0;
}
SHELL_COMMAND(alloc, "alloc <size>", "take memory, touch every page, keep it (Ctrl-C stops)",
              alloc);

/* Take the holding with this id, 0: any, out of the list. */
static struct holding *pick(uint64_t id)
{
    struct holding *found = NULL;
    struct list *pos;

    mutex_lock(&lock);
    list_for_each (pos, &holdings) {
        struct holding *holding = list_entry(pos, struct holding, link);

        if (id == 0 || holding->id == id) {
            found = holding;
            break;
        }
    }
    if (found)
        list_remove(&found->link);
    mutex_unlock(&lock);
    return found;
}

static int free_command(int argc, char **argv)
{
    const char *word = shell_word(argc, argv, 0);
    uint64_t id = 0, begin = clock_ns(), bytes = 0;
    struct holding *holding;
    char size[FORMAT_SIZE_MAX];

    if (word && (shell_number(word, &id) != 0 || id == 0))
        return -EINVAL;
    while ((holding = pick(id)) != NULL) {
        bytes += give_back(holding);
        kfree(holding);
        if (id != 0)
            break;
    }
    if (id != 0 && holding == NULL) {
        kprintf("free: nothing is held under id %llu\n", (unsigned long long)id);
        return -ENOENT;
    }
    kprintf("free: %s (%llu bytes) in %llu us\n", format_size(size, bytes),
            (unsigned long long)bytes, (unsigned long long)((clock_ns() - begin) / NS_PER_US));
    return 0;
}
SHELL_COMMAND(free, "free [id]", "give back what `alloc` took: one id or all", free_command);
