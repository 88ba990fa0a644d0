/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets over the loopback interface: setting up, errors, the end of connections.
 */
#include "socket.h"
#include <errno.h>
#include <fcntl.h>
#include <neap/net.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

struct sockaddr_in loopback_address(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

int listening_socket(struct selftest *t, int backlog, uint16_t *port)
{
    struct sockaddr_in address = loopback_address(0);
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    EXPECT(t, fd >= 3);
    EXPECT_EQ(t, bind(fd, (struct sockaddr *)&address, length), 0);
    EXPECT_EQ(t, listen(fd, backlog), 0);
    EXPECT_EQ(t, getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    EXPECT(t, *port != 0);
    return fd;
}

bool connected_pair(struct selftest *t, int ends[2])
{
    struct sockaddr_in address;
    uint16_t port;
    int listener = listening_socket(t, 1, &port);
    int error;

    address = loopback_address(port);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    error = connect(ends[0], (struct sockaddr *)&address, sizeof(address));
    EXPECT_EQ(t, error, 0);
    ends[1] = error ? -1 : accept(listener, NULL, NULL);
    EXPECT(t, ends[1] > 0);
    close(listener);
    return ends[1] > 0;
}

uint8_t pattern_byte(uint64_t position, unsigned stream)
{
    return (uint8_t)((position * 31 + (position >> 8) * 7 + (position >> 16)) ^ stream * 151);
}

static void test_addresses(struct selftest *t)
{
    struct sockaddr_in mine, theirs;
    socklen_t length = sizeof(mine);
    int ends[2];

    if (!connected_pair(t, ends))
        return;
    EXPECT_EQ(t, getsockname(ends[0], (struct sockaddr *)&mine, &length), 0);
    EXPECT_EQ(t, getpeername(ends[1], (struct sockaddr *)&theirs, &length), 0);
    EXPECT_EQ(t, length, sizeof(mine));
    EXPECT_EQ(t, mine.sin_port, theirs.sin_port);
    EXPECT_EQ(t, theirs.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    close(ends[0]);
    close(ends[1]);
}
SELFTEST(socket_both_ends_have_addresses, test_addresses);

static void test_refused(struct selftest *t)
{
    struct sockaddr_in address = loopback_address(1);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    EXPECT_EQ(t, connect(fd, (struct sockaddr *)&address, sizeof(address)), -1);
    EXPECT_EQ(t, errno, ECONNREFUSED);
    EXPECT_EQ(t, send(fd, "x", 1, 0), -1);
    EXPECT_EQ(t, errno, EPIPE);
    close(fd);
}
SELFTEST(socket_nobody_listens, test_refused);

static void test_bad_calls(struct selftest *t)
{
    struct sockaddr_in address = loopback_address(0);
    uint16_t port;
    int fd = listening_socket(t, 1, &port);
    int other = socket(AF_INET, SOCK_STREAM, 0);
    char byte;

    EXPECT(t, recv(1, &byte, 1, 0) == -1 && errno == ENOTSOCK);
    EXPECT(t, recv(12345, &byte, 1, 0) == -1 && errno == EBADF);
    EXPECT(t, socket(77, SOCK_STREAM, 0) == -1 && errno == EAFNOSUPPORT);
    EXPECT(t, socket(AF_INET, 77, 0) == -1 && errno == EPROTOTYPE);
    EXPECT(t, recv(fd, &byte, 1, 0) == -1 && errno == ENOTCONN);
    EXPECT(t, recv(other, &byte, 1, 0) == -1 && errno == ENOTCONN);
    EXPECT(t, accept(other, NULL, NULL) == -1 && errno == EINVAL);
    address.sin_port = htons(port);
    EXPECT(t, bind(other, (struct sockaddr *)&address, sizeof(address)) == -1 &&
                  errno == EADDRINUSE);
    EXPECT(t, bind(other, (struct sockaddr *)&address, 3) == -1 && errno == EINVAL);
    close(fd);
    close(other);
    EXPECT(t, close(other) == -1 && errno == EBADF);
}
SELFTEST(socket_bad_calls_are_refused, test_bad_calls);

/* After shutdown() one direction is over, the other works on. */
static void test_half_closed(struct selftest *t)
{
    char text[8] = "";
    int ends[2];

    if (!connected_pair(t, ends))
        return;
    EXPECT_EQ(t, send(ends[0], "ask", 3, 0), 3);
    EXPECT_EQ(t, shutdown(ends[0], SHUT_WR), 0);
    EXPECT(t, send(ends[0], "x", 1, 0) == -1 && errno == EPIPE);
    EXPECT_EQ(t, recv(ends[1], text, sizeof(text), MSG_WAITALL), 3);
    EXPECT_EQ(t, recv(ends[1], text, sizeof(text), 0), 0);
    EXPECT_EQ(t, send(ends[1], "answer", 6, 0), 6);
    close(ends[1]);
    EXPECT_EQ(t, recv(ends[0], text, sizeof(text), MSG_WAITALL), 6);
    EXPECT(t, memcmp(text, "answer", 6) == 0);
    EXPECT_EQ(t, recv(ends[0], text, sizeof(text), 0), 0);
    close(ends[0]);
}
SELFTEST(socket_one_direction_ends_first, test_half_closed);

/* Who closes without having read resets: the peer learns that its data was not taken. */
static void test_reset(struct selftest *t)
{
    struct pollfd pollfd;
    char byte;
    int ends[2];

    if (!connected_pair(t, ends))
        return;
    EXPECT_EQ(t, send(ends[0], "unread", 6, 0), 6);
    close(ends[1]);
    pollfd = (struct pollfd){.fd = ends[0], .events = POLLIN};
    EXPECT_EQ(t, poll(&pollfd, 1, 5000), 1);
    EXPECT(t, recv(ends[0], &byte, 1, 0) == -1 && errno == ECONNRESET);
    close(ends[0]);
}
SELFTEST(socket_unread_data_resets, test_reset);

/* Connections that nobody accepted end with the listener. */
static void test_backlog(struct selftest *t)
{
    struct sockaddr_in address;
    struct pollfd pollfd;
    uint16_t port;
    int listener = listening_socket(t, 4, &port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address = loopback_address(port);
    EXPECT_EQ(t, connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    pollfd = (struct pollfd){.fd = listener, .events = POLLIN};
    EXPECT_EQ(t, poll(&pollfd, 1, 5000), 1);
    close(listener);
    pollfd = (struct pollfd){.fd = fd, .events = POLLIN};
    EXPECT_EQ(t, poll(&pollfd, 1, 5000), 1);
    EXPECT(t, pollfd.revents & POLLHUP);
    close(fd);
}
SELFTEST(socket_backlog_ends_with_the_listener, test_backlog);

bool stack_memory_is_back(void *arg)
{
    const struct net_memory *before = arg;
    struct net_memory now;

    net_memory_get(&now);
    return now.bytes <= before->bytes + 4096;
}

/* What connections cost goes back when they end; an ended one lingers some bytes long. */
static void test_memory(struct selftest *t)
{
    enum { CONNECTIONS = 32 };
    static char data[32768];
    struct linger reset = {.l_onoff = 1};
    struct net_memory before, loaded;
    int ends[CONNECTIONS][2];
    int made = 0;

    net_memory_get(&before);
    while (made < CONNECTIONS && connected_pair(t, ends[made])) {
        EXPECT_EQ(t, send(ends[made][0], data, sizeof(data), 0), sizeof(data));
        made++;
    }
    net_memory_get(&loaded);
    EXPECT(t, loaded.bytes >= before.bytes + CONNECTIONS * sizeof(data));
    EXPECT(t, loaded.bytes <= loaded.limit);
    for (int i = 0; i < made; i++) {
        EXPECT_EQ(t, setsockopt(ends[i][0], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
        close(ends[i][0]);
        close(ends[i][1]);
    }
    EXPECT(t, eventually(stack_memory_is_back, &before));
}
SELFTEST(socket_memory_goes_back, test_memory);
