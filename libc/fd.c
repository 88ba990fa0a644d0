/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of open files. It grows with the numbers in use.
 */
#include "fd.h"
#include <errno.h>
#include <neap/alloc.h>
#include <neap/kmalloc.h>
#include <string.h>
#include <unistd.h>

#define FD_MAX   65536
#define FD_FIRST 64

extern struct file libc_console; /* console_file.c: numbers 0, 1 and 2 until closed */

static struct file *first_files[FD_FIRST] = {&libc_console, &libc_console, &libc_console};

/* All under `lock`. */
static struct {
    struct spinlock lock;
    struct file **files;
    unsigned size;
    unsigned lowest; /* no number below it is free */
} table = {
    .lock = SPINLOCK_INIT("files", LOCK_RANK_FILE),
    .files = first_files,
    .size = FD_FIRST,
    .lowest = STDERR_FILENO + 1,
};

ssize_t libc_result(ssize_t result)
{
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

void file_init(struct file *file, const struct file_ops *ops)
{
    *file = (struct file){.ops = ops, .users = 1};
    waitqueue_init(&file->wait, "file");
    spin_init(&file->lock, "file", LOCK_RANK_FILE);
    list_init(&file->watches);
}

/* Double the table from `old_size`, unless somebody else did. */
static int grow(unsigned old_size)
{
    struct file **larger, **unused;
    irqflags_t flags;

    if (old_size >= FD_MAX)
        return -EMFILE;
    larger = kcalloc(2UL * old_size, sizeof(void *), ALLOC_DEFAULT);
    if (!larger)
        return -ENOMEM;
    flags = spin_lock(&table.lock);
    unused = larger;
    if (table.size == old_size) {
        memcpy(larger, table.files, old_size * sizeof(void *));
        unused = table.files;
        table.files = larger;
        table.size = 2 * old_size;
    }
    spin_unlock(&table.lock, flags);
    if (unused != first_files)
        kfree(unused);
    return 0;
}

int fd_install(struct file *file)
{
    for (;;) {
        irqflags_t flags = spin_lock(&table.lock);
        unsigned size = table.size, fd = table.lowest;
        int error;

        while (fd < size && table.files[fd])
            fd++;
        table.lowest = fd;
        if (fd < size) {
            table.files[fd] = file;
            table.lowest = fd + 1;
        }
        spin_unlock(&table.lock, flags);
        if (fd < size)
            return (int)fd;
        error = grow(size);
        if (error)
            return error;
    }
}

struct file *fd_get(int fd)
{
    struct file *file = NULL;
    irqflags_t flags = spin_lock(&table.lock);

    if (fd >= 0 && (unsigned)fd < table.size) {
        file = table.files[fd];
        if (file)
            __atomic_add_fetch(&file->users, 1, __ATOMIC_RELAXED);
    }
    spin_unlock(&table.lock, flags);
    return file;
}

void file_put(struct file *file)
{
    if (__atomic_sub_fetch(&file->users, 1, __ATOMIC_ACQ_REL) == 0)
        file->ops->release(file);
}

int close(int fd)
{
    struct file *file = NULL;
    irqflags_t flags = spin_lock(&table.lock);

    if (fd >= 0 && (unsigned)fd < table.size) {
        file = table.files[fd];
        table.files[fd] = NULL;
        if (file && (unsigned)fd < table.lowest)
            table.lowest = (unsigned)fd;
    }
    spin_unlock(&table.lock, flags);
    if (!file)
        return (int)libc_result(-EBADF);
    file->ops->close(file);
    epoll_forget(file, fd);
    file_put(file);
    return 0;
}
