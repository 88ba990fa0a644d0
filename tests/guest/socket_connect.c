/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connecting without waiting, waiting with a limit, and very many sockets.
 */
#include "socket.h"
#include <errno.h>
#include <neap/kmalloc.h>
#include <neap/net.h>
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

#define CONNECTIONS 1500
#define DATAGRAMS   7000
#define SOCKETS     (2 * CONNECTIONS + DATAGRAMS)

/* Of the stack and the kernel for one socket, without data. */
#define BYTES_PER_SOCKET 2048

static uint64_t kernel_bytes(void)
{
    uint64_t bytes, pages;

    kmalloc_stats(&bytes, &pages);
    return bytes;
}

static unsigned open_all(struct selftest *t, int *files)
{
    unsigned made = 0;
    uint16_t port;
    int listener = listening_socket(t, 16, &port);

    while (made < 2 * CONNECTIONS) {
        files[made] = socket(AF_INET, SOCK_STREAM, 0);
        if (files[made] < 0)
            break;
        if (connect_to(files[made++], port) != 0)
            break;
        files[made] = accept(listener, NULL, NULL);
        if (files[made] < 0)
            break;
        made++;
    }
    while (made < SOCKETS && (files[made] = socket(AF_INET, SOCK_DGRAM, 0)) >= 0)
        made++;
    close(listener);
    return made;
}

/* Each costs a bounded amount of memory, all of which goes back. */
static void test_many(struct selftest *t)
{
    const struct linger reset = {.l_onoff = 1};
    static int files[SOCKETS];
    struct net_memory before;
    uint64_t kernel_before, loaded;
    char byte = 0;
    unsigned made;

    /* The table of open files grows once. */
    for (made = 0; made < SOCKETS && (files[made] = socket(AF_INET, SOCK_DGRAM, 0)) >= 0;)
        made++;
    while (made > 0)
        close(files[--made]);
    net_memory_get(&before);
    kernel_before = kernel_bytes();
    made = open_all(t, files);
    loaded = kernel_bytes();
    EXPECT_EQ(t, made, SOCKETS);
    EXPECT(t, loaded - kernel_before <= (uint64_t)SOCKETS * BYTES_PER_SOCKET);
    for (unsigned i = 0; i + 1 < made && i < 2 * CONNECTIONS; i += 500) {
        EXPECT_EQ(t, send(files[i], "x", 1, 0), 1);
        EXPECT_EQ(t, recv(files[i + 1], &byte, 1, 0), 1);
    }
    for (unsigned i = 0; i < made; i++) {
        if (i < 2 * CONNECTIONS && i % 2 == 0)
            EXPECT_EQ(t, setsockopt(files[i], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
        close(files[i]);
    }
    EXPECT(t, eventually(stack_memory_is_back, &before));
}
SELFTEST(socket_ten_thousand_open, test_many);
