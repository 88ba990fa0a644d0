/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files: numbers for the application, objects with operations behind them.
 *
 * An object counts its users: the number itself, and each call that is under way. close() takes
 * the number away and lets waiting calls return; the last user frees.
 */
#ifndef LIBC_FD_H
#define LIBC_FD_H

#include <neap/list.h>
#include <neap/lock.h>
#include <neap/wait.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct file;

/* Somebody who wants to know of a file's events. */
struct file_watch {
    struct list link; /* in the file's list, under its lock */
    /* More events hold than before. Under the file's lock, any context. */
    void (*notify)(struct file_watch *watch, unsigned events);
};

/* All return a negative errno value on failure. Thread context. */
struct file_ops {
    ssize_t (*read)(struct file *file, void *data, size_t size);
    ssize_t (*write)(struct file *file, const void *data, size_t size);
    void (*close)(struct file *file);   /* the number is gone; wake who waits */
    void (*release)(struct file *file); /* nobody uses it any more: free */
    /* What poll() may report now, if `events` does not follow by itself; any context. */
    unsigned (*look)(struct file *file);
    int (*available)(struct file *file); /* bytes that can be read now, for FIONREAD */
    mode_t mode;                         /* for fstat(): S_IFCHR, S_IFSOCK */
};

struct file {
    const struct file_ops *ops;
    unsigned users;  /* atomic */
    unsigned events; /* what poll() may report now; atomic */
    bool nonblocking;
    struct waitqueue wait; /* calls that block on this file alone */
    struct spinlock lock;
    struct list watches; /* under lock */
};

/* A new object with one user, which fd_install() takes over. */
void file_init(struct file *file, const struct file_ops *ops);

/* Give it the lowest free number. Returns that, -EMFILE or -ENOMEM; then it is the caller's. */
int fd_install(struct file *file);

/* The object behind a number, with one more user, or NULL. End with file_put(). */
struct file *fd_get(int fd);
void file_put(struct file *file);

/* Be told of what a file reports from now on, and no more. The caller keeps the file. */
void file_watch(struct file *file, struct file_watch *watch);
void file_unwatch(struct file *file, struct file_watch *watch);

/* A number of this file was closed: no set of epoll_create1() watches it any more. */
void epoll_forget(struct file *file, int fd);

/* What a file reports now: bits of poll(). Any context. */
unsigned file_events(struct file *file);

/* What poll() reports from now on; wakes whoever waits for one of the new ones. Any context. */
void file_set_events(struct file *file, unsigned events);

/*
 * Wait until one of these events holds. Returns 0, -EAGAIN for a file that must not block, or
 * -ETIMEDOUT. Thread context.
 */
int file_wait(struct file *file, unsigned events, uint64_t timeout_ns);

/* Open the block device of this name to read. A number, -ENOENT, -EMFILE or -ENOMEM. */
int block_open(const char *name);

/* errno from a negative result, which becomes -1; else the result. */
ssize_t libc_result(ssize_t result);

#endif
