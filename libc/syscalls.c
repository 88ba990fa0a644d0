/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls that newlib builds on: calls on open files, and honest
 * refusals for what a single application in a single image does not have.
 */
#include "fd.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <neap/panic.h>
#include <neap/random.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* newlib's headers leave this one out. */
void __assert(const char *file, int line, const char *condition);

static int refuse(int error)
{
    errno = error;
    return -1;
}

ssize_t write(int fd, const void *data, size_t length)
{
    struct file *file = fd_get(fd);
    ssize_t result;

    if (!file)
        return refuse(EBADF);
    result = file->ops->write(file, data, length);
    file_put(file);
    return libc_result(result);
}

ssize_t read(int fd, void *data, size_t size)
{
    struct file *file = fd_get(fd);
    ssize_t result;

    if (!file)
        return refuse(EBADF);
    result = file->ops->read(file, data, size);
    file_put(file);
    return libc_result(result);
}

int fstat(int fd, struct stat *status)
{
    struct file *file = fd_get(fd);

    if (!file)
        return refuse(EBADF);
    *status = (struct stat){.st_mode = file->ops->mode, .st_nlink = 1};
    file_put(file);
    return 0;
}

int isatty(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return 0;
    return S_ISCHR(status.st_mode) ? 1 : refuse(ENOTTY) + 1;
}

off_t lseek(int fd, off_t offset, int whence)
{
    struct stat status;

    (void)offset, (void)whence;
    return fstat(fd, &status) < 0 ? -1 : refuse(ESPIPE);
}

/* Of all flags only O_NONBLOCK can be changed, and nothing is ever executed. */
int fcntl(int fd, int command, ...)
{
    struct file *file = fd_get(fd);
    int result = 0;
    va_list args;

    if (!file)
        return refuse(EBADF);
    va_start(args, command);
    switch (command) {
    case F_GETFL:
        result = O_RDWR | (file->nonblocking ? O_NONBLOCK : 0);
        break;
    case F_SETFL:
        file->nonblocking = (va_arg(args, int) & O_NONBLOCK) != 0;
        break;
    case F_GETFD:
    case F_SETFD:
        break;
    default:
        result = -EINVAL;
        break;
    }
    va_end(args);
    file_put(file);
    return (int)libc_result(result);
}

int ioctl(int fd, unsigned long request, ...)
{
    struct file *file = fd_get(fd);
    int result = 0;
    va_list args;

    if (!file)
        return refuse(EBADF);
    va_start(args, request);
    if (request == FIONBIO)
        file->nonblocking = *va_arg(args, int *) != 0;
    else if (request == FIONREAD && file->ops->available)
        *va_arg(args, int *) = file->ops->available(file);
    else
        result = -ENOTTY;
    va_end(args);
    file_put(file);
    return (int)libc_result(result);
}

int getentropy(void *buffer, size_t length)
{
    return length > 256 || random_bytes(buffer, length) ? refuse(EIO) : 0;
}

pid_t getpid(void)
{
    return 1;
}

/* Signals are only what raise() and abort() send: there is nobody else. */
int kill(pid_t pid, int signal)
{
    if (pid != getpid())
        return refuse(ESRCH);
    if (signal == SIGABRT)
        panic("the application called abort()");
    if (signal != 0)
        _exit(128 + signal);
    return 0;
}

/* Overrides newlib's, which would print through stdio and abort without a backtrace. */
void __assert_func(const char *file, int line, const char *function, const char *condition)
{
    panic("application: assertion failed: %s (%s:%d%s%s)", condition, file, line,
          function ? ", " : "", function ? function : "");
}

void __assert(const char *file, int line, const char *condition)
{
    __assert_func(file, line, NULL, condition);
}

/* The only files with names are devices. */
int open(const char *path, int flags, ...)
{
    static const char devices[] = "/dev/";

    if (strncmp(path, devices, sizeof(devices) - 1) != 0)
        return refuse(ENOENT);
    if ((flags & O_ACCMODE) != O_RDONLY)
        return refuse(EROFS);
    return (int)libc_result(block_open(path + sizeof(devices) - 1));
}

/* ---- what does not exist here: files, processes, masks ---- */

int stat(const char *restrict path, struct stat *restrict status)
{
    (void)path, (void)status;
    return refuse(ENOSYS);
}

int link(const char *old, const char *new)
{
    (void)old, (void)new;
    return refuse(ENOSYS);
}

int unlink(const char *path)
{
    (void)path;
    return refuse(ENOSYS);
}

int mkdir(const char *path, mode_t mode)
{
    (void)path, (void)mode;
    return refuse(ENOSYS);
}

pid_t fork(void)
{
    return refuse(ENOSYS);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
    (void)path, (void)argv, (void)envp;
    return refuse(ENOSYS);
}

pid_t wait(int *status)
{
    (void)status;
    return refuse(ECHILD);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    (void)how, (void)set, (void)old;
    return refuse(ENOSYS);
}
