/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console as an open file: standard input, output and error.
 */
#include "fd.h"
#include <errno.h>
#include <neap/console.h>
#include <neap/lock.h>
#include <sys/stat.h>

/*
 * The console tells nobody when a key is typed; poll() looks from time to time, and what it
 * finds is kept here for the next read(). Under `lock`.
 */
static struct {
    struct mutex lock;
    char byte;
    bool full;
} ahead = {.lock = MUTEX_INIT(ahead.lock, "console input", LOCK_RANK_LIBC)};

extern struct file libc_console;

static bool take_ahead(char *byte)
{
    bool taken;

    mutex_lock(&ahead.lock);
    taken = ahead.full;
    *byte = ahead.byte;
    ahead.full = false;
    mutex_unlock(&ahead.lock);
    return taken;
}

/* Raw input without echo, except that the Enter key ends a line as C expects it. */
static ssize_t read_console(struct file *file, void *data, size_t size)
{
    char *bytes = data;
    int count = 1;

    if (size == 0)
        return 0;
    if (!take_ahead(bytes))
        count = console_read(bytes, size, file->nonblocking ? 0 : WAIT_FOREVER);
    if (count == -ETIMEDOUT)
        return -EAGAIN;
    for (int i = 0; i < count; i++) {
        if (bytes[i] == '\r')
            bytes[i] = '\n';
    }
    return count;
}

static ssize_t write_console(struct file *file, const void *data, size_t size)
{
    (void)file;
    console_write(data, size);
    return (ssize_t)size;
}

static void look_at_console(struct file *file)
{
    bool full;

    mutex_lock(&ahead.lock);
    if (!ahead.full)
        ahead.full = console_read(&ahead.byte, 1, 0) == 1;
    full = ahead.full;
    mutex_unlock(&ahead.lock);
    file_set_events(file, POLLOUT | POLLWRNORM | (full ? POLLIN | POLLRDNORM : 0));
}

static int available(struct file *file)
{
    look_at_console(file);
    return (file->events & POLLIN) != 0;
}

/* Its numbers may be closed, it never goes away: each number is a user for ever. */
static void keep(struct file *file)
{
    __atomic_add_fetch(&file->users, 1, __ATOMIC_RELAXED);
}

static const struct file_ops console_ops = {
    .read = read_console,
    .write = write_console,
    .close = keep,
    .look = look_at_console,
    .available = available,
    .mode = S_IFCHR | S_IRUSR | S_IWUSR,
};

struct file libc_console = {
    .ops = &console_ops,
    .users = 3,
    .wait = WAITQUEUE_INIT(libc_console.wait, "console"),
    .lock = SPINLOCK_INIT("console file", LOCK_RANK_FILE),
    .pollers = LIST_INIT(libc_console.pollers),
};
