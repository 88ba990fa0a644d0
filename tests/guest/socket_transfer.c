/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data over the loopback interface: streams and datagrams, blocking and not, many at once.
 */
#include "socket.h"
#include <errno.h>
#include <fcntl.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <unistd.h>

#define STREAM_BYTES (2 * MIB)
#define STREAMS      4

static struct {
    struct selftest *t;
    struct latch done;
    int writers[STREAMS], readers[STREAMS];
    unsigned next_writer, next_reader;
} streams;

static void writer(void *arg UNUSED)
{
    unsigned stream = __atomic_fetch_add(&streams.next_writer, 1, __ATOMIC_RELAXED);
    uint8_t data[1500];
    uint64_t sent = 0;

    while (sent < STREAM_BYTES) {
        size_t size = MIN(STREAM_BYTES - sent, sizeof(data) - (sent / 7) % 1000);
        ssize_t result;

        for (size_t i = 0; i < size; i++)
            data[i] = pattern_byte(sent + i, stream);
        result = write(streams.writers[stream], data, size);
        if (result != (ssize_t)size) {
            selftest_fail(streams.t, __FILE__, __LINE__, "wrote %zd of %zu, errno %d", result,
                          size, errno);
            break;
        }
        sent += size;
    }
    close(streams.writers[stream]);
    latch_arrive(&streams.done);
}

static void reader(void *arg UNUSED)
{
    unsigned stream = __atomic_fetch_add(&streams.next_reader, 1, __ATOMIC_RELAXED);
    uint64_t received = 0, wrong = 0;
    uint8_t data[2000];
    ssize_t result;

    while ((result = read(streams.readers[stream], data, sizeof(data))) > 0) {
        for (ssize_t i = 0; i < result; i++)
            wrong += data[i] != pattern_byte(received + (uint64_t)i, stream);
        received += (uint64_t)result;
    }
    EXPECT_EQ(streams.t, result, 0);
    EXPECT_EQ(streams.t, received, STREAM_BYTES);
    EXPECT_EQ(streams.t, wrong, 0);
    close(streams.readers[stream]);
    latch_arrive(&streams.done);
}

static void test_streams(struct selftest *t)
{
    unsigned started = 0;

    memset(&streams, 0, sizeof(streams));
    streams.t = t;
    latch_init(&streams.done);
    for (unsigned i = 0; i < STREAMS; i++) {
        int ends[2];

        if (!connected_pair(t, ends))
            return;
        streams.writers[i] = ends[0];
        streams.readers[i] = ends[1];
    }
    started += start_threads(t, STREAMS, reader, NULL);
    started += start_threads(t, STREAMS, writer, NULL);
    latch_wait(t, &streams.done, started);
}
SELFTEST(socket_streams_arrive_whole, test_streams);

/* A sender that must not block stops when nobody reads, and may go on when somebody did. */
static void test_nonblocking(struct selftest *t)
{
    static uint8_t data[65536];
    struct pollfd pollfd;
    uint64_t sent = 0, received = 0;
    ssize_t result;
    int ends[2], available = 0;

    if (!connected_pair(t, ends))
        return;
    EXPECT_EQ(t, fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    EXPECT(t, fcntl(ends[0], F_GETFL) & O_NONBLOCK);
    EXPECT(t, recv(ends[0], data, 1, 0) == -1 && errno == EAGAIN);
    EXPECT(t, recv(ends[1], data, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    while ((result = send(ends[0], data, sizeof(data), 0)) > 0)
        sent += (uint64_t)result;
    EXPECT(t, result == -1 && errno == EAGAIN);
    EXPECT(t, sent > 0 && sent < 16 * MIB);
    pollfd = (struct pollfd){.fd = ends[0], .events = POLLOUT};
    EXPECT_EQ(t, poll(&pollfd, 1, 0), 0);
    EXPECT_EQ(t, ioctl(ends[1], FIONREAD, &available), 0);
    EXPECT(t, available > 0);
    while (received < sent) {
        result = recv(ends[1], data, sizeof(data), 0);
        if (result <= 0)
            break;
        received += (uint64_t)result;
    }
    EXPECT_EQ(t, received, sent);
    EXPECT_EQ(t, poll(&pollfd, 1, 5000), 1);
    EXPECT_EQ(t, pollfd.revents, POLLOUT);
    close(ends[0]);
    close(ends[1]);
}
SELFTEST(socket_nonblocking_stops_and_goes_on, test_nonblocking);

static int udp_socket(struct selftest *t, struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t length = sizeof(*address);

    *address = loopback_address(0);
    EXPECT_EQ(t, bind(fd, (struct sockaddr *)address, length), 0);
    EXPECT_EQ(t, getsockname(fd, (struct sockaddr *)address, &length), 0);
    return fd;
}

static void test_datagrams(struct selftest *t)
{
    struct sockaddr_in mine, theirs, from;
    socklen_t length = sizeof(from);
    int fd = udp_socket(t, &mine), peer = udp_socket(t, &theirs);
    uint8_t data[3000], back[3000];

    for (unsigned size = 0; size <= sizeof(data); size += 600) {
        for (unsigned i = 0; i < size; i++)
            data[i] = pattern_byte(i, size);
        EXPECT_EQ(t, sendto(fd, data, size, 0, (struct sockaddr *)&theirs, sizeof(theirs)),
                  size);
    }
    for (unsigned size = 0; size <= sizeof(data); size += 600) {
        memset(back, 0, sizeof(back));
        EXPECT_EQ(t, recvfrom(peer, back, sizeof(back), 0, (struct sockaddr *)&from, &length),
                  size);
        EXPECT_EQ(t, from.sin_port, mine.sin_port);
        for (unsigned i = 0; i < size; i++)
            EXPECT_EQ(t, back[i], pattern_byte(i, size));
    }
    EXPECT(t, recv(peer, back, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    EXPECT(t, send(fd, data, 1, 0) == -1 && errno == EDESTADDRREQ);
    EXPECT_EQ(t, connect(fd, (struct sockaddr *)&theirs, sizeof(theirs)), 0);
    EXPECT_EQ(t, send(fd, data, 100, 0), 100);
    EXPECT_EQ(t, recv(peer, back, 10, MSG_PEEK), 10);
    EXPECT_EQ(t, recv(peer, back, 10, MSG_TRUNC | MSG_DONTWAIT), 100);
    close(fd);
    close(peer);
}
SELFTEST(socket_datagrams_keep_their_bounds, test_datagrams);

/* A receiver that does not read costs a bounded amount of memory. */
static void test_flood(struct selftest *t)
{
    struct sockaddr_in mine, theirs;
    int fd = udp_socket(t, &mine), peer = udp_socket(t, &theirs), room = 64 * 1024;
    static uint8_t data[1000];
    unsigned received = 0;

    EXPECT_EQ(t, setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
    for (unsigned i = 0; i < 1000; i++)
        EXPECT_EQ(t,
                  sendto(fd, data, sizeof(data), 0, (struct sockaddr *)&theirs, sizeof(theirs)),
                  sizeof(data));
    while (recv(peer, data, sizeof(data), MSG_DONTWAIT) > 0)
        received++;
    EXPECT(t, received >= 20 && received <= (unsigned)room / sizeof(data));
    close(fd);
    close(peer);
}
SELFTEST(socket_datagram_flood_is_bounded, test_flood);

static void send_later(void *arg)
{
    thread_sleep_ns(20 * NS_PER_MS);
    EXPECT_EQ(streams.t, send(*(int *)arg, "x", 1, 0), 1);
    latch_arrive(&streams.done);
}

static void test_poll(struct selftest *t)
{
    uint64_t begin = clock_ns();
    struct pollfd fds[4];
    struct timeval none = {0};
    fd_set set;
    int first[2], second[2];

    if (!connected_pair(t, first) || !connected_pair(t, second))
        return;
    fds[0] = (struct pollfd){.fd = first[1], .events = POLLIN};
    fds[1] = (struct pollfd){.fd = second[1], .events = POLLIN};
    fds[2] = (struct pollfd){.fd = -1, .events = POLLIN};
    fds[3] = (struct pollfd){.fd = 0, .events = POLLIN}; /* the console takes part */
    EXPECT_EQ(t, poll(fds, 4, 10), 0);
    EXPECT(t, clock_ns() - begin >= 10 * NS_PER_MS);
    streams.t = t;
    latch_init(&streams.done);
    if (start_threads(t, 1, send_later, &second[0]) == 1) {
        begin = clock_ns();
        EXPECT_EQ(t, poll(fds, 2, 5000), 1);
        EXPECT(t, clock_ns() - begin < 4 * NS_PER_S); /* an event ended it */
        EXPECT_EQ(t, fds[0].revents, 0);
        EXPECT_EQ(t, fds[1].revents, POLLIN);
        latch_wait(t, &streams.done, 1);
    }
    FD_ZERO(&set);
    FD_SET(first[1], &set);
    FD_SET(second[1], &set);
    EXPECT_EQ(t, select(second[1] + 1, &set, NULL, NULL, &none), 1);
    EXPECT(t, !FD_ISSET(first[1], &set) && FD_ISSET(second[1], &set));
    fds[0].fd = 23456;
    EXPECT_EQ(t, poll(fds, 1, 0), 1);
    EXPECT_EQ(t, fds[0].revents, POLLNVAL);
    for (unsigned i = 0; i < 2; i++) {
        close(first[i]);
        close(second[i]);
    }
}
SELFTEST(socket_poll_and_select, test_poll);

static void close_later(void *arg)
{
    thread_sleep_ns(20 * NS_PER_MS);
    close(*(int *)arg);
    latch_arrive(&streams.done);
}

/* close() lets a call that waits on the same socket return. */
static void test_close_wakes(struct selftest *t)
{
    struct timeval limit = {.tv_sec = 5};
    char byte;
    int ends[2];

    if (!connected_pair(t, ends))
        return;
    for (unsigned i = 0; i < 2; i++)
        EXPECT_EQ(t, setsockopt(ends[i], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    streams.t = t;
    latch_init(&streams.done);
    if (start_threads(t, 1, close_later, &ends[0]) == 1) {
        EXPECT(t, recv(ends[0], &byte, 1, 0) == -1 && errno == EBADF);
        latch_wait(t, &streams.done, 1);
    }
    EXPECT_EQ(t, recv(ends[1], &byte, 1, 0), 0);
    close(ends[1]);
}
SELFTEST(socket_close_wakes_a_reader, test_close_wakes);
