/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of watched files: what their files share.
 *
 * Each watched file has an item, which lies in the set's list of ready ones from the moment the
 * file tells of an event until a look finds none; so waiting costs what happened, not what is
 * watched. An item does not keep its file: close() takes it out of the set.
 */
#ifndef LIBC_EPOLL_SET_H
#define LIBC_EPOLL_SET_H

#include "fd.h"
#include <stdint.h>
#include <sys/epoll.h>

struct epoll_set {
    struct file file;  /* first; its lock guards `ready` and what items say of it */
    struct list items; /* under the lock of all sets, in epoll.c */
    struct list ready;
    unsigned nr_ready;
    bool closed;
};

struct epoll_item {
    struct file_watch watch; /* first: whose notify() is ours is an item */
    struct epoll_set *set;
    struct file *file;
    int fd;
    struct list link; /* of the set's items */
    struct list ready_link;
    bool is_ready;
    /* under the set's lock; written under that of all sets as well */
    unsigned mask; /* what to report; 0: nothing until EPOLL_CTL_MOD */
    uint32_t events;
    epoll_data_t data;
};

/* What an item's watch calls; also, by hand, when its events have changed. */
void epoll_notify(struct file_watch *watch, unsigned events);

/* The item leaves the list of ready ones. Under the set's lock. */
void epoll_not_ready(struct epoll_item *item);

/* Wait for up to `max` events. Returns how many, 0 after the timeout, -EBADF: set closed. */
int epoll_wait_for(struct epoll_set *set, struct epoll_event *events, unsigned max,
                   uint64_t timeout_ns);

#endif
