/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events of open files: who makes them, who waits for them.
 */
#include "fd.h"
#include <errno.h>

void file_set_events(struct file *file, unsigned events)
{
    unsigned before = __atomic_exchange_n(&file->events, events, __ATOMIC_ACQ_REL);
    irqflags_t flags;
    struct list *pos;

    if ((events & ~before) == 0)
        return;
    wake_all(&file->wait);
    flags = spin_lock(&file->lock);
    list_for_each (pos, &file->watches) {
        struct file_watch *watch = list_entry(pos, struct file_watch, link);

        watch->notify(watch, events & ~before);
    }
    spin_unlock(&file->lock, flags);
}

unsigned file_events(struct file *file)
{
    /* What happens meanwhile is not lost: it has told the watches. */
    if (file->ops->look)
        __atomic_store_n(&file->events, file->ops->look(file), __ATOMIC_RELEASE);
    return __atomic_load_n(&file->events, __ATOMIC_ACQUIRE);
}

void file_watch(struct file *file, struct file_watch *watch)
{
    irqflags_t flags = spin_lock(&file->lock);

    list_push_back(&file->watches, &watch->link);
    spin_unlock(&file->lock, flags);
}

void file_unwatch(struct file *file, struct file_watch *watch)
{
    irqflags_t flags = spin_lock(&file->lock);

    list_remove(&watch->link);
    spin_unlock(&file->lock, flags);
}

struct wanted {
    struct file *file;
    unsigned events;
};

static bool has_events(void *arg)
{
    struct wanted *wanted = arg;

    return (__atomic_load_n(&wanted->file->events, __ATOMIC_ACQUIRE) & wanted->events) != 0;
}

int file_wait(struct file *file, unsigned events, uint64_t timeout_ns)
{
    struct wanted wanted = {file, events | POLLERR | POLLHUP | POLLNVAL};

    if (has_events(&wanted))
        return 0;
    if (file->nonblocking)
        return -EAGAIN;
    return wait_until(&file->wait, has_events, &wanted, timeout_ns);
}
