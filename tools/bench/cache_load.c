/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load for memcached's text protocol: every connection has one request under way.
 *
 *   cache_load <address> get|set <connections> <keys> <bytes of a value> <seconds>
 *
 * "set" stores a random one of the keys, "get" reads one; prints
 * "ops=<n> misses=<n> us=<n> p50_us=<n> p99_us=<n>".
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT            11211
#define VALUE_MAX       8192
#define REQUEST_MAX     (VALUE_MAX + 128)
#define CONNECTIONS_MAX 1024
#define BUCKETS         200000
#define BUCKET_US       10
#define WAIT_MS         10000

struct connection {
    int fd;
    size_t got;
    uint64_t began_us;
    char answer[REQUEST_MAX];
};

static struct connection connections[CONNECTIONS_MAX];
static uint32_t latency[BUCKETS];
static uint64_t ops, misses, random_state = 88172645463325252;
static unsigned keys;
static size_t size;
static bool storing;

static uint64_t now_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static unsigned random_key(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state % keys);
}

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void ask(struct connection *connection)
{
    char request[REQUEST_MAX];
    int length;

    if (storing) {
        length =
            snprintf(request, sizeof(request), "set key%u 0 0 %zu\r\n", random_key(), size);
        memset(request + length, 'v', size);
        memcpy(request + length + size, "\r\n", 2);
        length += (int)size + 2;
    } else {
        length = snprintf(request, sizeof(request), "get key%u\r\n", random_key());
    }
    connection->got = 0;
    connection->began_us = now_us();
    if (send(connection->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        die("cache_load: send");
}

static bool ends_with(const struct connection *connection, const char *text)
{
    size_t length = strlen(text);

    return connection->got >= length &&
           memcmp(connection->answer + connection->got - length, text, length) == 0;
}

/* The answer may come in pieces. Returns whether it was the whole one. */
static bool answered(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->answer + connection->got,
                       sizeof(connection->answer) - connection->got, 0);
    uint64_t took = (now_us() - connection->began_us) / BUCKET_US;

    if (got <= 0)
        die("cache_load: recv");
    connection->got += (size_t)got;
    if (!ends_with(connection, storing ? "STORED\r\n" : "END\r\n"))
        return false;
    if (!storing && connection->got <= strlen("END\r\n"))
        misses++;
    latency[took < BUCKETS ? took : BUCKETS - 1]++;
    ops++;
    return true;
}

static int open_all(const char *address, unsigned count)
{
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int poller = epoll_create1(0), one = 1;

    inet_pton(AF_INET, address, &peer.sin_addr);
    for (unsigned i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};

        connections[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(connections[i].fd, (struct sockaddr *)&peer, sizeof(peer)))
            die("cache_load: connect");
        setsockopt(connections[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        epoll_ctl(poller, EPOLL_CTL_ADD, connections[i].fd, &event);
        ask(&connections[i]);
    }
    return poller;
}

static unsigned percentile_us(double part)
{
    uint64_t seen = 0;
    unsigned bucket = 0;

    while (bucket < BUCKETS - 1 && (double)(seen += latency[bucket]) < part * (double)ops)
        bucket++;
    return bucket * BUCKET_US;
}

int main(int argc, char **argv)
{
    struct epoll_event events[CONNECTIONS_MAX];
    uint64_t begin = now_us(), us;
    unsigned count;
    int poller;

    if (argc != 7)
        return EXIT_FAILURE;
    storing = strcmp(argv[2], "set") == 0;
    count = (unsigned)atoi(argv[3]);
    keys = (unsigned)atoi(argv[4]);
    size = (size_t)atol(argv[5]);
    us = (uint64_t)(atof(argv[6]) * 1e6);
    if (count == 0 || count > CONNECTIONS_MAX || keys == 0 || size > VALUE_MAX)
        return EXIT_FAILURE;
    poller = open_all(argv[1], count);
    while (now_us() - begin < us) {
        int ready = epoll_wait(poller, events, CONNECTIONS_MAX, WAIT_MS);

        if (ready <= 0)
            die("cache_load: no answer");
        for (int i = 0; i < ready; i++)
            if (answered(events[i].data.ptr))
                ask(events[i].data.ptr);
    }
    us = now_us() - begin;
    printf("ops=%llu misses=%llu us=%llu p50_us=%u p99_us=%u\n", (unsigned long long)ops,
           (unsigned long long)misses, (unsigned long long)us, percentile_us(0.5),
           percentile_us(0.99));
    return EXIT_SUCCESS;
}
