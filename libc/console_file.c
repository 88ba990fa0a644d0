/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console as an open file: standard input, output and error.
 */
#include "fd.h"
#include <errno.h>
#include <neap/console.h>
#include <neap/lock.h>
#include <sys/stat.h>

extern struct file libc_console;

/* Raw input without echo, except that the Enter key ends a line as C expects it. */
static ssize_t read_console(struct file *file, void *data, size_t size)
{
    char *bytes = data;
    int count;

    if (size == 0)
        return 0;
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

static unsigned console_events(void)
{
    return POLLOUT | POLLWRNORM | (console_has_input() ? POLLIN | POLLRDNORM : 0);
}

static void on_input(void)
{
    file_set_events(&libc_console, console_events());
}

/* The shell reads the same input, so what holds now is asked for, not remembered. */
static unsigned look(struct file *file)
{
    (void)file;
    console_on_input(on_input);
    return console_events();
}

static int available(struct file *file)
{
    (void)file;
    return console_has_input();
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
    .look = look,
    .available = available,
    .mode = S_IFCHR | S_IRUSR | S_IWUSR,
};

struct file libc_console = {
    .ops = &console_ops,
    .users = 3,
    .wait = WAITQUEUE_INIT(libc_console.wait, "console"),
    .lock = SPINLOCK_INIT("console file", LOCK_RANK_FILE),
    .watches = LIST_INIT(libc_console.watches),
};
