/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls that newlib builds on: the console as standard input and output, and honest
 * refusals for what a single application in a single image does not have.
 */
#include <arch/boot.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <neap/console.h>
#include <neap/panic.h>
#include <neap/wait.h>
#include <signal.h>
#include <string.h>
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

static bool is_console(int fd)
{
    return fd >= STDIN_FILENO && fd <= STDERR_FILENO;
}

ssize_t write(int fd, const void *data, size_t length)
{
    if (!is_console(fd))
        return refuse(EBADF);
    console_write(data, length);
    return (ssize_t)length;
}

/* Raw input without echo, except that the Enter key ends a line as C expects it. */
ssize_t read(int fd, void *data, size_t size)
{
    char *bytes = data;
    int count;

    if (!is_console(fd))
        return refuse(EBADF);
    if (size == 0)
        return 0;
    count = console_read(bytes, size, WAIT_FOREVER);
    if (count < 0)
        return refuse(-count);
    for (int i = 0; i < count; i++) {
        if (bytes[i] == '\r')
            bytes[i] = '\n';
    }
    return count;
}

int isatty(int fd)
{
    return is_console(fd) ? 1 : refuse(EBADF) + 1;
}

int fstat(int fd, struct stat *status)
{
    if (!is_console(fd))
        return refuse(EBADF);
    *status = (struct stat){.st_mode = S_IFCHR | S_IRUSR | S_IWUSR, .st_nlink = 1};
    return 0;
}

off_t lseek(int fd, off_t offset, int whence)
{
    (void)offset, (void)whence;
    return refuse(is_console(fd) ? ESPIPE : EBADF);
}

int close(int fd)
{
    return is_console(fd) ? 0 : refuse(EBADF);
}

int getentropy(void *buffer, size_t length)
{
    unsigned char *bytes = buffer;

    if (length > 256)
        return refuse(EIO);
    while (length > 0) {
        uint64_t word = arch_entropy();
        size_t part = length < sizeof(word) ? length : sizeof(word);

        memcpy(bytes, &word, part);
        bytes += part;
        length -= part;
    }
    return 0;
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

/* ---- what does not exist here: files, processes, masks ---- */

int open(const char *path, int flags, ...)
{
    (void)path, (void)flags;
    return refuse(ENOSYS);
}

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

int fcntl(int fd, int command, ...)
{
    (void)fd, (void)command;
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
