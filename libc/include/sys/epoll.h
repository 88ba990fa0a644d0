/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of watched files, as Linux has them: the cost of a call follows what happened, not how
 * many files are watched. A set cannot watch a set.
 */
#ifndef LIBC_SYS_EPOLL_H
#define LIBC_SYS_EPOLL_H

#include <stdint.h>
#include <sys/cdefs.h>

#define EPOLL_CLOEXEC 0x40000 /* nothing is ever executed: no effect */

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3

/* The same values as those of poll(). ERR and HUP are always reported. */
#define EPOLLIN     0x001u
#define EPOLLPRI    0x002u
#define EPOLLOUT    0x004u
#define EPOLLERR    0x008u
#define EPOLLHUP    0x010u
#define EPOLLRDNORM 0x040u
#define EPOLLRDBAND 0x080u
#define EPOLLWRNORM 0x100u
#define EPOLLWRBAND 0x200u
#define EPOLLRDHUP  0x2000u

#define EPOLLONESHOT (1u << 30) /* one report, then silence until EPOLL_CTL_MOD */
#define EPOLLET      (1u << 31) /* report changes, not states: use until EAGAIN */

typedef union epoll_data {
    void *ptr;
    int fd;
    uint32_t u32;
    uint64_t u64;
} epoll_data_t;

struct epoll_event {
    uint32_t events;
    epoll_data_t data;
};

__BEGIN_DECLS
int epoll_create(int size);
int epoll_create1(int flags);
int epoll_ctl(int fd, int operation, int watched, struct epoll_event *event);
int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms);
__END_DECLS

#endif
