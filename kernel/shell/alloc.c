/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc, thin and free: hold memory as an application would, to watch it come and go on the
 * host.
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
#include <neap/pin.h>
#include <neap/space.h>
#include <neap/timer.h>

/* One `alloc`. Every page holds a word made of its address and the seed. */
struct holding {
    struct list link;
    uint64_t id;
    uint64_t seed;
    uintptr_t va;
    uint64_t size;
    uint64_t touched; /* bytes */
    uint64_t keep;    /* one page in so many is left */
};

#define PROGRESS_NS (2 * NS_PER_S)
#define PAGES_ONCE  256 /* touched between two looks at clock and keyboard */

static struct mutex lock = MUTEX_INIT(lock, "holdings", LOCK_RANK_SHELL);
static struct list holdings = LIST_INIT(holdings); /* under lock */
static uint64_t last_id;                           /* under lock */

/* The word's place in a page differs from page to page, and so does the cache line. */
static volatile uint64_t *word_at(const struct holding *holding, uint64_t offset)
{
    uintptr_t page = holding->va + offset;

    return (volatile uint64_t *)(page + (page >> PAGE_SHIFT) * 72 % PAGE_SIZE);
}

static uint64_t pattern(const struct holding *holding, uint64_t offset)
{
    return (holding->va + offset) * UINT64_C(0x9e3779b97f4a7c15) ^ holding->seed;
}

/* Returns 0, or -EIO when a page has lost what was written to it. */
static int verify(const struct holding *holding)
{
    for (uint64_t offset = 0; offset < holding->touched; offset += holding->keep * PAGE_SIZE) {
        uint64_t found = *word_at(holding, offset), expected = pattern(holding, offset);

        if (found == expected)
            continue;
        kprintf("free: the page at %#lx of id %llu holds %#llx, not %#llx\n",
                (unsigned long)(holding->va + offset), (unsigned long long)holding->id,
                (unsigned long long)found, (unsigned long long)expected);
        return -EIO;
    }
    return 0;
}

static int give_back(struct holding *holding)
{
    int error = verify(holding), release = space_release(holding->va, holding->size);

    kfree(holding);
    return error ? error : release;
}

/* Touch every page. Returns 0 or -EINTR. */
static int touch(struct holding *holding)
{
    uint64_t shown_ns = clock_ns();

    while (holding->touched < holding->size) {
        uint64_t end = MIN(holding->size, holding->touched + PAGES_ONCE * PAGE_SIZE);

        if (console_interrupted())
            return -EINTR;
        for (; holding->touched < end; holding->touched += PAGE_SIZE)
            *word_at(holding, holding->touched) = pattern(holding, holding->touched);
        if (clock_ns() - shown_ns > PROGRESS_NS) {
            shown_ns = clock_ns();
            kprintf("alloc: %llu %%\n",
                    (unsigned long long)(holding->touched / (holding->size / 100 + 1)));
        }
    }
    return 0;
}

/* Returns 0, -ENOMEM or -EINTR, with nothing left behind on errors. */
static int take(struct holding *holding, uint64_t bytes)
{
    char part[FORMAT_SIZE_MAX], whole[FORMAT_SIZE_MAX];
    uint64_t available;

    holding->va = space_reserve(bytes, PAGE_SIZE << PAGEBLOCK_ORDER);
    holding->size = bytes;
    holding->seed = clock_ns();
    holding->keep = 1;
    if (holding->va && space_commit(holding->va, bytes, SPACE_READ | SPACE_WRITE) == 0) {
        if (touch(holding) == 0)
            return 0;
        kprintf("^C\nalloc: stopped: %s of %s were taken and are free again\n",
                format_size(part, holding->touched), format_size(whole, bytes));
        give_back(holding);
        return -EINTR;
    }
    available = space_available();
    kprintf("alloc: out of memory: %s of %s are missing\n",
            format_size(part, bytes - MIN(available, bytes)), format_size(whole, bytes));
    if (holding->va)
        (void)space_release(holding->va, bytes);
    kfree(holding);
    return -ENOMEM;
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
        return error;
    keep(holding);
    kprintf("alloc: id %llu, %s in %llu us\n", (unsigned long long)holding->id,
            format_size(size, bytes), (unsigned long long)((clock_ns() - begin) / NS_PER_US));
    return 0;
}
SHELL_COMMAND(alloc, "alloc <size>", "take memory, touch every page, keep it (Ctrl-C stops)",
              alloc);

struct overlap {
    const struct holding *holding;
    const char *owner;
};

static void compare(const struct pin *pin, void *arg)
{
    struct overlap *overlap = arg;

    if (pin->va < overlap->holding->va + overlap->holding->size &&
        pin->va + pin->size > overlap->holding->va)
        overlap->owner = pin->owner;
}

/* Who pinned a page of it, NULL: nobody. */
static const char *pinned_by(const struct holding *holding)
{
    struct overlap overlap = {holding, NULL};

    pin_for_each(compare, &overlap);
    return overlap.owner;
}

/* The holding with this id, 0: any that is not pinned. Under lock. */
static struct holding *find(uint64_t id)
{
    struct list *pos;

    list_for_each (pos, &holdings) {
        struct holding *holding = list_entry(pos, struct holding, link);

        if (id == 0 ? !pinned_by(holding) : holding->id == id)
            return holding;
    }
    return NULL;
}

int shell_holding_find(uint64_t id, uintptr_t *va)
{
    struct holding *holding;

    mutex_lock(&lock);
    holding = id ? find(id) : NULL;
    if (holding)
        *va = holding->va;
    mutex_unlock(&lock);
    return holding ? 0 : -ENOENT;
}

/* Take the holding with this id, 0: any that is not pinned, out of the list. */
static struct holding *pick(uint64_t id)
{
    struct holding *found;

    mutex_lock(&lock);
    found = find(id);
    if (found)
        list_remove(&found->link);
    mutex_unlock(&lock);
    return found;
}

static void put_back(struct holding *holding)
{
    mutex_lock(&lock);
    list_push_back(&holdings, &holding->link);
    mutex_unlock(&lock);
}

/* Give back the pages between those that stay. */
static int thin_out(struct holding *holding, uint64_t keep)
{
    for (uint64_t offset = 0; offset < holding->size; offset += keep * PAGE_SIZE) {
        uint64_t end = MIN(holding->size, offset + keep * PAGE_SIZE);
        int error = 0;

        if (offset + PAGE_SIZE < end)
            error = space_decommit(holding->va + offset + PAGE_SIZE, end - offset - PAGE_SIZE);
        if (error)
            return error;
    }
    holding->keep = keep;
    return 0;
}

static int thin(int argc, char **argv)
{
    const char *id_word = shell_word(argc, argv, 0), *keep_word = shell_word(argc, argv, 1);
    struct holding *holding;
    uint64_t id, keep;
    int error = -ENOENT;

    if (!id_word || shell_number(id_word, &id) || id == 0 || !keep_word ||
        shell_number(keep_word, &keep) || keep < 2)
        return -EINVAL;
    mutex_lock(&lock);
    holding = find(id);
    if (holding)
        error = holding->keep == 1 ? thin_out(holding, keep) : -EALREADY;
    mutex_unlock(&lock);
    if (!holding)
        kprintf("thin: nothing is held under id %llu\n", (unsigned long long)id);
    return error;
}
SHELL_COMMAND(thin, "thin <id> <n>", "keep one page in n of what `alloc` holds", thin);

static int free_command(int argc, char **argv)
{
    const char *word = shell_word(argc, argv, 0);
    uint64_t id = 0, begin = clock_ns(), bytes = 0;
    struct holding *holding;
    char size[FORMAT_SIZE_MAX];
    bool found = false;
    int error = 0;

    if (word && (shell_number(word, &id) != 0 || id == 0))
        return -EINVAL;
    while ((holding = pick(id)) != NULL) {
        int result;

        if (pinned_by(holding)) {
            kprintf("free: id %llu is pinned by %s\n", (unsigned long long)id,
                    pinned_by(holding));
            put_back(holding);
            return -EBUSY;
        }
        found = true;
        bytes += holding->size;
        result = give_back(holding);
        error = result ? result : error;
        if (id != 0)
            break;
    }
    if (id != 0 && !found) {
        kprintf("free: nothing is held under id %llu\n", (unsigned long long)id);
        return -ENOENT;
    }
    kprintf("free: %s (%llu bytes) in %llu us\n", format_size(size, bytes),
            (unsigned long long)bytes, (unsigned long long)((clock_ns() - begin) / NS_PER_US));
    return error;
}
SHELL_COMMAND(free, "free [id]", "give back what `alloc` took: one id or all", free_command);
