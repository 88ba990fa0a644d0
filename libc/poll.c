/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll() and select().
 */
#include "fd.h"
#include <errno.h>
#include <neap/alloc.h>
#include <neap/kmalloc.h>
#include <neap/timer.h>
#include <sys/select.h>
#include <sys/time.h>

#define FEW 16 /* so many need no memory */

/* One call of poll(). */
struct waiter {
    struct waitqueue wait;
    bool woken; /* atomic */
};

/* One file in it. */
struct poller {
    struct file_watch watch;
    struct file *file;
    struct waiter *waiter;
};

static void notify(struct file_watch *watch, unsigned events)
{
    struct waiter *waiter = container_of(watch, struct poller, watch)->waiter;

    (void)events;
    __atomic_store_n(&waiter->woken, true, __ATOMIC_RELEASE);
    wake_all(&waiter->wait);
}

static bool was_woken(void *arg)
{
    return __atomic_load_n(&((struct waiter *)arg)->woken, __ATOMIC_ACQUIRE);
}

static void join(struct poller *poller, struct waiter *waiter, int fd)
{
    poller->watch = (struct file_watch){.notify = notify};
    poller->waiter = waiter;
    poller->file = fd < 0 ? NULL : fd_get(fd);
    if (poller->file)
        file_watch(poller->file, &poller->watch);
}

static void leave(struct poller *poller)
{
    if (!poller->file)
        return;
    file_unwatch(poller->file, &poller->watch);
    file_put(poller->file);
}

/* Returns how many have something to report. */
static int collect(struct pollfd *fds, const struct poller *pollers, nfds_t count)
{
    int ready = 0;

    for (nfds_t i = 0; i < count; i++) {
        struct file *file = pollers[i].file;
        unsigned wanted = (unsigned short)fds[i].events | POLLERR | POLLHUP | POLLNVAL;

        if (file)
            fds[i].revents = (short)(file_events(file) & wanted);
        else
            fds[i].revents = fds[i].fd < 0 ? 0 : POLLNVAL;
        ready += fds[i].revents != 0;
    }
    return ready;
}

static int wait_for_events(struct pollfd *fds, const struct poller *pollers, nfds_t count,
                           struct waiter *waiter, uint64_t timeout_ns)
{
    uint64_t start = clock_ns();

    for (;;) {
        uint64_t passed;
        int ready;

        __atomic_store_n(&waiter->woken, false, __ATOMIC_SEQ_CST);
        ready = collect(fds, pollers, count);
        passed = clock_ns() - start;
        if (ready > 0 || passed >= timeout_ns)
            return ready;
        (void)wait_until(&waiter->wait, was_woken, waiter,
                         timeout_ns == WAIT_FOREVER ? WAIT_FOREVER : timeout_ns - passed);
    }
}

static int poll_ns(struct pollfd *fds, nfds_t count, uint64_t timeout_ns)
{
    struct poller few[FEW], *pollers = few;
    struct waiter waiter = {.woken = false};
    int ready;

    waitqueue_init(&waiter.wait, "poll");
    if (count > FEW)
        pollers = kcalloc(count, sizeof(*pollers), ALLOC_DEFAULT);
    if (!pollers)
        return -ENOMEM;
    for (nfds_t i = 0; i < count; i++)
        join(&pollers[i], &waiter, fds[i].fd);
    ready = wait_for_events(fds, pollers, count, &waiter, timeout_ns);
    for (nfds_t i = 0; i < count; i++)
        leave(&pollers[i]);
    if (pollers != few)
        kfree(pollers);
    return ready;
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    uint64_t timeout = timeout_ms < 0 ? WAIT_FOREVER : (uint64_t)timeout_ms * NS_PER_MS;

    return (int)libc_result(poll_ns(fds, count, timeout));
}

/* ---- select() ---- */

static bool is_in(int fd, const fd_set *set)
{
    return set && FD_ISSET(fd, set);
}

static nfds_t from_sets(struct pollfd *fds, int count, const fd_set *reads,
                        const fd_set *writes, const fd_set *errors)
{
    nfds_t used = 0;

    for (int fd = 0; fd < count; fd++) {
        unsigned events = (is_in(fd, reads) ? POLLIN : 0) | (is_in(fd, writes) ? POLLOUT : 0) |
                          (is_in(fd, errors) ? POLLPRI : 0);

        if (events)
            fds[used++] = (struct pollfd){.fd = fd, .events = (short)events};
    }
    return used;
}

static int put(int fd, fd_set *set, bool ready)
{
    if (!is_in(fd, set))
        return 0;
    if (!ready)
        FD_CLR(fd, set);
    return ready;
}

/* An ended or broken connection is readable and writable: the next call does not block. */
static int to_sets(const struct pollfd *fds, nfds_t count, fd_set *reads, fd_set *writes,
                   fd_set *errors)
{
    int ready = 0;

    for (nfds_t i = 0; i < count; i++) {
        int events = fds[i].revents;

        if (events & POLLNVAL)
            return -EBADF;
        ready += put(fds[i].fd, reads, events & (POLLIN | POLLERR | POLLHUP));
        ready += put(fds[i].fd, writes, events & (POLLOUT | POLLERR));
        ready += put(fds[i].fd, errors, events & POLLPRI);
    }
    return ready;
}

int select(int count, fd_set *reads, fd_set *writes, fd_set *errors, struct timeval *timeout)
{
    uint64_t timeout_ns = WAIT_FOREVER;
    struct pollfd *fds;
    nfds_t used;
    int result;

    if (count < 0 || count > FD_SETSIZE)
        return (int)libc_result(-EINVAL);
    if (timeout)
        timeout_ns =
            (uint64_t)timeout->tv_sec * NS_PER_S + (uint64_t)timeout->tv_usec * NS_PER_US;
    fds = kcalloc((size_t)count + 1, sizeof(*fds), ALLOC_DEFAULT);
    if (!fds)
        return (int)libc_result(-ENOMEM);
    used = from_sets(fds, count, reads, writes, errors);
    result = poll_ns(fds, used, timeout_ns);
    if (result >= 0)
        result = to_sets(fds, used, reads, writes, errors);
    kfree(fds);
    return (int)libc_result(result);
}
