/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of watched files: epoll_create1() and epoll_ctl().
 */
#include "epoll_set.h"
#include <errno.h>
#include <neap/alloc.h>
#include <neap/kmalloc.h>
#include <neap/timer.h>
#include <sys/stat.h>

#define MASK_ALL  0xffffu
#define MASK_EVER (EPOLLERR | EPOLLHUP)

/* Which items there are. Waiting and events do without it. */
static struct mutex sets_lock = MUTEX_INIT(sets_lock, "epoll", LOCK_RANK_LIBC);

static const struct file_ops set_ops;

/* ---- items, under sets_lock ---- */

static bool is_item(const struct file_watch *watch)
{
    return watch->notify == epoll_notify;
}

/* The item of a number of this file, in one set or (NULL) in any. */
static struct epoll_item *find(struct file *file, int fd, const struct epoll_set *set)
{
    irqflags_t flags = spin_lock(&file->lock);
    struct epoll_item *found = NULL;
    struct list *pos;

    list_for_each (pos, &file->watches) {
        struct epoll_item *item = list_entry(pos, struct epoll_item, watch.link);

        if (is_item(&item->watch) && item->fd == fd && (!set || item->set == set)) {
            found = item;
            break;
        }
    }
    spin_unlock(&file->lock, flags);
    return found;
}

static void drop(struct epoll_item *item)
{
    irqflags_t flags;

    file_unwatch(item->file, &item->watch);
    flags = spin_lock(&item->set->file.lock);
    epoll_not_ready(item);
    spin_unlock(&item->set->file.lock, flags);
    list_remove(&item->link);
    kfree(item);
}

void epoll_forget(struct file *file, int fd)
{
    irqflags_t flags = spin_lock(&file->lock);
    bool watched = !list_empty(&file->watches);
    struct epoll_item *item;

    spin_unlock(&file->lock, flags);
    if (!watched)
        return;
    mutex_lock(&sets_lock);
    while ((item = find(file, fd, NULL)))
        drop(item);
    mutex_unlock(&sets_lock);
}

static void set_events(struct epoll_item *item, const struct epoll_event *event)
{
    irqflags_t flags = spin_lock(&item->set->file.lock);

    item->events = event->events;
    item->data = event->data;
    item->mask = (event->events & MASK_ALL) | MASK_EVER;
    spin_unlock(&item->set->file.lock, flags);
    epoll_notify(&item->watch, file_events(item->file)); /* what holds already */
}

static int add(struct epoll_set *set, struct file *file, int fd,
               const struct epoll_event *event)
{
    struct epoll_item *item;
    struct file *again;

    if (find(file, fd, set))
        return -EEXIST;
    item = kcalloc(1, sizeof(*item), ALLOC_DEFAULT);
    if (!item)
        return -ENOMEM;
    item->watch.notify = epoll_notify;
    item->set = set;
    item->file = file;
    item->fd = fd;
    list_push_back(&set->items, &item->link);
    file_watch(file, &item->watch);
    /* close() looks for items after the number is gone; now one of us sees the other. */
    again = fd_get(fd);
    if (again)
        file_put(again);
    if (again != file) {
        drop(item);
        return -EBADF;
    }
    set_events(item, event);
    return 0;
}

static int change(struct epoll_set *set, int operation, int fd, const struct epoll_event *event)
{
    struct file *file = fd_get(fd);
    struct epoll_item *item;
    int error = 0;

    if (!file)
        return -EBADF;
    mutex_lock(&sets_lock);
    item = find(file, fd, set);
    if (file->ops == &set_ops || set->closed)
        error = -EINVAL;
    else if (operation == EPOLL_CTL_ADD)
        error = add(set, file, fd, event);
    else if (!item)
        error = -ENOENT;
    else if (operation == EPOLL_CTL_MOD)
        set_events(item, event);
    else if (operation == EPOLL_CTL_DEL)
        drop(item);
    else
        error = -EINVAL;
    mutex_unlock(&sets_lock);
    file_put(file);
    return error;
}

/* ---- the set as a file ---- */

static ssize_t refuse_read(struct file *file, void *data, size_t size)
{
    (void)file, (void)data, (void)size;
    return -EINVAL;
}

static ssize_t refuse_write(struct file *file, const void *data, size_t size)
{
    (void)file, (void)data, (void)size;
    return -EINVAL;
}

static void close_set(struct file *file)
{
    struct epoll_set *set = (struct epoll_set *)file;
    struct list *pos, *next;

    mutex_lock(&sets_lock);
    WRITE_ONCE(set->closed, true);
    list_for_each_safe (pos, next, &set->items)
        drop(list_entry(pos, struct epoll_item, link));
    mutex_unlock(&sets_lock);
    file_set_events(file, POLLNVAL);
}

static void release_set(struct file *file)
{
    kfree(file);
}

static const struct file_ops set_ops = {
    .read = refuse_read,
    .write = refuse_write,
    .close = close_set,
    .release = release_set,
    .mode = S_IRUSR | S_IWUSR,
};

/* ---- calls ---- */

int epoll_create1(int flags)
{
    struct epoll_set *set;
    int fd;

    if (flags & ~EPOLL_CLOEXEC)
        return (int)libc_result(-EINVAL);
    set = kcalloc(1, sizeof(*set), ALLOC_DEFAULT);
    if (!set)
        return (int)libc_result(-ENOMEM);
    file_init(&set->file, &set_ops);
    /* Files tell it of events under their own locks. */
    spin_init(&set->file.lock, "epoll", LOCK_RANK_EPOLL);
    list_init(&set->items);
    list_init(&set->ready);
    fd = fd_install(&set->file);
    if (fd < 0)
        kfree(set);
    return (int)libc_result(fd);
}

int epoll_create(int size)
{
    return size > 0 ? epoll_create1(0) : (int)libc_result(-EINVAL);
}

static struct epoll_set *get_set(int fd)
{
    struct file *file = fd_get(fd);

    if (file && file->ops == &set_ops)
        return (struct epoll_set *)file;
    errno = file ? EINVAL : EBADF;
    if (file)
        file_put(file);
    return NULL;
}

int epoll_ctl(int fd, int operation, int watched, struct epoll_event *event)
{
    struct epoll_set *set = get_set(fd);
    struct epoll_event copy = {0};
    int error;

    if (!set)
        return -1;
    if (event)
        copy = *event;
    error =
        !event && operation != EPOLL_CTL_DEL ? -EFAULT : change(set, operation, watched, &copy);
    file_put(&set->file);
    return (int)libc_result(error);
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms)
{
    uint64_t timeout = timeout_ms < 0 ? WAIT_FOREVER : (uint64_t)timeout_ms * NS_PER_MS;
    struct epoll_set *set = get_set(fd);
    int result;

    if (!set)
        return -1;
    result = max <= 0 ? -EINVAL : epoll_wait_for(set, events, (unsigned)max, timeout);
    file_put(&set->file);
    return (int)libc_result(result);
}
