/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connecting without waiting, and waiting with a limit.
 */
#include "socket.h"
#include <errno.h>
#include <neap/timer.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static int connect_to(int fd, uint16_t port)
{
    struct sockaddr_in address = loopback_address(port);

    return connect(fd, (struct sockaddr *)&address, sizeof(address));
}

static int pending_error(struct selftest *t, int fd)
{
    socklen_t length = sizeof(int);
    int error = -1;

    EXPECT_EQ(t, getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    return error;
}

/* A full listener takes no more: who must not wait hears later that there was room. */
static void test_nonblocking(struct selftest *t)
{
    uint16_t port;
    int listener = listening_socket(t, 1, &port);
    int first = socket(AF_INET, SOCK_STREAM, 0), taken;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct pollfd pollfd = {.fd = fd, .events = POLLOUT};

    EXPECT_EQ(t, connect_to(first, port), 0);
    EXPECT(t, connect_to(fd, port) == -1 && errno == EINPROGRESS);
    EXPECT_EQ(t, poll(&pollfd, 1, 50), 0);
    taken = accept(listener, NULL, NULL);
    EXPECT_EQ(t, poll(&pollfd, 1, 30000), 1);
    EXPECT_EQ(t, pollfd.revents, POLLOUT);
    EXPECT_EQ(t, pending_error(t, fd), 0);
    EXPECT_EQ(t, send(fd, "x", 1, 0), 1);
    close(fd);
    close(taken);
    close(first);
    close(listener);
}
SELFTEST(socket_nonblocking_connect, test_nonblocking);

/* A sender that nobody reads from waits so long, and what it could send is not lost. */
static void test_send_timeout(struct selftest *t)
{
    static char data[65536];
    const struct timeval limit = {.tv_usec = 200 * 1000};
    uint64_t begin, sent = 0, received = 0;
    ssize_t result;
    int ends[2];

    if (!connected_pair(t, ends))
        return;
    EXPECT_EQ(t, setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
    do {
        begin = clock_ns();
        result = send(ends[0], data, sizeof(data), 0);
        sent += result > 0 ? (uint64_t)result : 0;
    } while (result > 0 && sent < 16 * MIB);
    EXPECT(t, result == -1 && errno == EAGAIN);
    EXPECT(t, clock_ns() - begin >= 200 * NS_PER_MS);
    EXPECT(t, clock_ns() - begin < 10 * NS_PER_S);
    close(ends[0]);
    while ((result = recv(ends[1], data, sizeof(data), 0)) > 0)
        received += (uint64_t)result;
    EXPECT_EQ(t, result, 0);
    EXPECT_EQ(t, received, sent);
    close(ends[1]);
}
SELFTEST(socket_send_timeout, test_send_timeout);
