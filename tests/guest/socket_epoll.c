/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of watched files: states, changes, one report only, and files that go away.
 */
#include "socket.h"
#include <errno.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static int add(int set, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

/* The events of one report, or 0; it must be about this number. */
static uint32_t report(struct selftest *t, int set, int fd, int timeout_ms)
{
    struct epoll_event event;
    int count = epoll_wait(set, &event, 1, timeout_ms);

    EXPECT(t, count == 0 || count == 1);
    if (count == 1)
        EXPECT_EQ(t, event.data.fd, fd);
    return count == 1 ? event.events : 0;
}

static void test_states(struct selftest *t)
{
    int set = epoll_create1(EPOLL_CLOEXEC), ends[2];
    char text[8];

    if (!connected_pair(t, ends))
        return;
    EXPECT_EQ(t, add(set, ends[1], EPOLLIN), 0);
    EXPECT_EQ(t, report(t, set, ends[1], 10), 0);
    EXPECT_EQ(t, send(ends[0], "abc", 3, 0), 3);
    EXPECT_EQ(t, report(t, set, ends[1], 5000), EPOLLIN);
    EXPECT_EQ(t, recv(ends[1], text, 1, 0), 1);
    EXPECT_EQ(t, report(t, set, ends[1], 0), EPOLLIN); /* there is still something */
    EXPECT_EQ(t, recv(ends[1], text, 2, 0), 2);
    EXPECT_EQ(t, report(t, set, ends[1], 0), 0);
    close(ends[0]);
    EXPECT(t, report(t, set, ends[1], 5000) & EPOLLIN);
    EXPECT_EQ(t, epoll_ctl(set, EPOLL_CTL_DEL, ends[1], NULL), 0);
    EXPECT_EQ(t, report(t, set, ends[1], 0), 0);
    close(ends[1]);
    close(set);
}
SELFTEST(socket_epoll_reports_states, test_states);

static void test_changes(struct selftest *t)
{
    struct epoll_event event;
    int set = epoll_create1(0), ends[2];
    char text[8];

    if (!connected_pair(t, ends))
        return;
    EXPECT_EQ(t, send(ends[0], "abc", 3, 0), 3);
    EXPECT_EQ(t, add(set, ends[1], EPOLLIN | EPOLLET), 0);
    EXPECT_EQ(t, report(t, set, ends[1], 5000), EPOLLIN);
    EXPECT_EQ(t, report(t, set, ends[1], 0), 0); /* told once */
    EXPECT_EQ(t, recv(ends[1], text, 8, 0), 3);
    EXPECT_EQ(t, send(ends[0], "d", 1, 0), 1);
    EXPECT_EQ(t, report(t, set, ends[1], 5000), EPOLLIN);
    event = (struct epoll_event){.events = EPOLLIN | EPOLLONESHOT, .data.fd = ends[1]};
    for (unsigned i = 0; i < 2; i++) {
        EXPECT_EQ(t, epoll_ctl(set, EPOLL_CTL_MOD, ends[1], &event), 0);
        EXPECT_EQ(t, report(t, set, ends[1], 5000), EPOLLIN);
        EXPECT_EQ(t, report(t, set, ends[1], 0), 0);
    }
    close(ends[0]);
    close(ends[1]);
    close(set);
}
SELFTEST(socket_epoll_reports_changes, test_changes);

/* A closed number leaves every set, although its successor may have the same number. */
static void test_close(struct selftest *t)
{
    int sets[2] = {epoll_create1(0), epoll_create1(0)}, ends[2], fd;

    if (!connected_pair(t, ends))
        return;
    for (unsigned i = 0; i < 2; i++)
        EXPECT_EQ(t, add(sets[i], ends[1], EPOLLIN | EPOLLOUT), 0);
    fd = ends[1];
    close(fd);
    close(ends[0]);
    for (unsigned i = 0; i < 2; i++)
        EXPECT_EQ(t, report(t, sets[i], fd, 0), 0);
    if (!connected_pair(t, ends))
        return;
    EXPECT_EQ(t, add(sets[0], ends[0], EPOLLOUT), 0);
    close(sets[0]);
    close(sets[1]);
    EXPECT_EQ(t, send(ends[1], "x", 1, 0), 1); /* nobody watches any more */
    close(ends[0]);
    close(ends[1]);
}
SELFTEST(socket_epoll_forgets_closed_files, test_close);

static void test_refusals(struct selftest *t)
{
    struct epoll_event event = {.events = EPOLLIN};
    int set = epoll_create1(0), other = epoll_create(1), ends[2];

    if (!connected_pair(t, ends))
        return;
    EXPECT(t, epoll_create1(1) == -1 && errno == EINVAL);
    EXPECT(t, epoll_create(0) == -1 && errno == EINVAL);
    EXPECT(t, add(set, other, EPOLLIN) == -1 && errno == EINVAL);
    EXPECT(t, add(set, 12345, EPOLLIN) == -1 && errno == EBADF);
    EXPECT(t, add(ends[0], ends[1], EPOLLIN) == -1 && errno == EINVAL);
    EXPECT(t, epoll_ctl(set, EPOLL_CTL_ADD, ends[0], NULL) == -1 && errno == EFAULT);
    EXPECT(t, epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event) == -1 && errno == ENOENT);
    EXPECT(t, epoll_ctl(set, EPOLL_CTL_DEL, ends[0], NULL) == -1 && errno == ENOENT);
    EXPECT_EQ(t, add(set, ends[0], EPOLLIN), 0);
    EXPECT(t, add(set, ends[0], EPOLLIN) == -1 && errno == EEXIST);
    EXPECT(t, epoll_ctl(set, 7, ends[0], &event) == -1 && errno == EINVAL);
    EXPECT(t, epoll_wait(set, &event, 0, 0) == -1 && errno == EINVAL);
    EXPECT(t, epoll_wait(12345, &event, 1, 0) == -1 && errno == EBADF);
    close(ends[0]);
    close(ends[1]);
    close(other);
    close(set);
}
SELFTEST(socket_epoll_refuses_nonsense, test_refusals);

/* Among many, those with something to say are found, and all of them in turn. */
static void test_many(struct selftest *t)
{
    enum { MANY = 1000, BUSY = 40 };
    struct sockaddr_in addresses[BUSY];
    struct epoll_event events[BUSY];
    socklen_t length = sizeof(addresses[0]);
    static int fds[MANY];
    static unsigned char seen[2 * MANY];
    int set = epoll_create1(0), found = 0, count;
    char byte;

    memset(seen, 0, sizeof(seen));
    for (unsigned i = 0; i < MANY; i++) {
        struct sockaddr_in address = loopback_address(0);

        fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
        EXPECT_EQ(t, bind(fds[i], (struct sockaddr *)&address, sizeof(address)), 0);
        EXPECT_EQ(t, add(set, fds[i], EPOLLIN), 0);
        if (i % (MANY / BUSY) == 0)
            EXPECT_EQ(
                t,
                getsockname(fds[i], (struct sockaddr *)&addresses[i / (MANY / BUSY)], &length),
                0);
    }
    for (unsigned i = 0; i < BUSY; i++)
        EXPECT_EQ(
            t,
            sendto(fds[1], "x", 1, 0, (struct sockaddr *)&addresses[i], sizeof(addresses[i])),
            1);
    EXPECT_EQ(t, epoll_wait(set, events, BUSY, 5000), BUSY);
    /* Nothing is read, so all stay ready: the next calls go on in turn. */
    for (unsigned i = 0; i < BUSY / 8; i++) {
        count = epoll_wait(set, events, 8, 0);
        EXPECT_EQ(t, count, 8);
        for (int j = 0; j < count; j++)
            found += recv(events[j].data.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1 &&
                     !seen[events[j].data.fd]++;
    }
    EXPECT_EQ(t, found, BUSY);
    for (unsigned i = 0; i < MANY; i++)
        close(fds[i]);
    EXPECT_EQ(t, epoll_wait(set, events, BUSY, 0), 0);
    close(set);
}
SELFTEST(socket_epoll_finds_few_among_many, test_many);

/* Another thread that closes the set ends a wait; poll() can watch a set. */
static int waited_set;
static struct latch ended;

static void close_set(void *arg UNUSED)
{
    thread_sleep_ns(20 * NS_PER_MS);
    close(waited_set);
    latch_arrive(&ended);
}

static void test_as_a_file(struct selftest *t)
{
    struct epoll_event event;
    struct pollfd pollfd;
    uint64_t begin;
    int ends[2];

    if (!connected_pair(t, ends))
        return;
    waited_set = epoll_create1(0);
    EXPECT_EQ(t, add(waited_set, ends[1], EPOLLIN), 0);
    pollfd = (struct pollfd){.fd = waited_set, .events = POLLIN};
    EXPECT_EQ(t, poll(&pollfd, 1, 0), 0);
    EXPECT_EQ(t, send(ends[0], "x", 1, 0), 1);
    EXPECT_EQ(t, poll(&pollfd, 1, 5000), 1);
    EXPECT_EQ(t, recv(ends[1], &event, 1, 0), 1);
    latch_init(&ended);
    begin = clock_ns();
    if (start_threads(t, 1, close_set, NULL) == 1) {
        EXPECT(t, epoll_wait(waited_set, &event, 1, 5000) == -1 && errno == EBADF);
        EXPECT(t, clock_ns() - begin < 4 * NS_PER_S);
        latch_wait(t, &ended, 1);
    }
    close(ends[0]);
    close(ends[1]);
}
SELFTEST(socket_epoll_set_is_a_file, test_as_a_file);
