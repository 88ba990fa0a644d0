/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's connections: one thread, one poll() over all of them. Each holds one request and
 * one answer; what a client sends ahead waits in its socket.
 */
#include "httpd.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 10000
#define IDLE_SECONDS                                                         \
    60 /* a whole request, or an answer's next bytes, must come in that time \
        */
#define SWEEP_MS 1000

struct connection {
    time_t since; /* the last progress */
    size_t held;  /* bytes of `request` */
    size_t sent;  /* of the answer */
    bool answering;
    struct answer answer;
    char request[REQUEST_MAX];
};

/* The first of both belongs to the listening socket. */
static struct pollfd *polls;
static struct connection **connections;
static size_t count, room;

static time_t now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static bool make_room(void)
{
    size_t larger = room ? 2 * room : 16;
    void *more;

    if (count < room)
        return true;
    more = realloc(polls, larger * sizeof(*polls));
    if (!more)
        return false;
    polls = more;
    more = realloc(connections, larger * sizeof(void *));
    if (!more)
        return false;
    connections = more;
    room = larger;
    return true;
}

static void end_connection(size_t index)
{
    close(polls[index].fd);
    free(connections[index]->answer.owned);
    free(connections[index]);
    count--;
    polls[index] = polls[count];
    connections[index] = connections[count];
    httpd_connections--;
}

static void accept_all(int listener)
{
    int fd, on = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *connection = NULL;

        if (count <= CONNECTIONS_MAX && make_room())
            connection = malloc(sizeof(*connection));
        if (!connection) {
            httpd_refused++;
            close(fd);
            continue;
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        connection->since = now_seconds();
        connection->held = 0;
        connection->answering = false;
        connection->answer.owned = NULL;
        polls[count] = (struct pollfd){.fd = fd, .events = POLLIN};
        connections[count++] = connection;
        httpd_connections++;
    }
}

/* Bytes of the answer from `sent` on. Returns how many went, -1: none now or the peer is gone.
 */
static ssize_t send_part(int fd, const struct connection *connection)
{
    const struct answer *answer = &connection->answer;
    size_t in_head = connection->sent < answer->head_length;

    if (in_head)
        return send(fd, answer->head + connection->sent, answer->head_length - connection->sent,
                    answer->body_length > 0 ? MSG_MORE : 0);
    return send(fd, answer->body + (connection->sent - answer->head_length),
                answer->body_length - (connection->sent - answer->head_length), 0);
}

/* Returns 1: all has gone, 0: the rest later, -1: the connection is over. */
static int send_answer(int fd, struct connection *connection)
{
    struct answer *answer = &connection->answer;

    while (connection->sent < answer->head_length + answer->body_length) {
        ssize_t sent = send_part(fd, connection);

        if (sent < 0)
            return errno == EAGAIN ? 0 : -1;
        connection->sent += (size_t)sent;
    }
    free(answer->owned);
    answer->owned = NULL;
    connection->answering = false;
    return answer->close ? -1 : 1;
}

/* Take the next request out of what has come. Returns whether there was one. */
static bool next_request(struct connection *connection)
{
    size_t used = request_answer(connection->request, connection->held, &connection->answer);

    if (used == 0)
        return false;
    httpd_requests++;
    connection->held -= used;
    memmove(connection->request, connection->request + used, connection->held);
    connection->sent = 0;
    connection->answering = true;
    return true;
}

/* Go on as far as it goes without waiting. Returns false when the connection is over. */
static bool serve(struct pollfd *pollfd, struct connection *connection)
{
    for (;;) {
        ssize_t got;

        if (connection->answering || next_request(connection)) {
            int result = send_answer(pollfd->fd, connection);

            pollfd->events = result == 0 ? POLLOUT : POLLIN;
            if (result <= 0)
                return result == 0;
            continue;
        }
        got = recv(pollfd->fd, connection->request + connection->held,
                   sizeof(connection->request) - connection->held, 0);
        if (got <= 0)
            return got < 0 && errno == EAGAIN;
        connection->held += (size_t)got;
    }
}

static int open_listener(unsigned port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, SOMAXCONN)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void serve_ready(time_t now)
{
    for (size_t i = count; i-- > 1;) {
        if (polls[i].revents) {
            connections[i]->since = now;
            if (!serve(&polls[i], connections[i]))
                end_connection(i);
        } else if (now - connections[i]->since > IDLE_SECONDS) {
            end_connection(i);
        }
    }
}

int httpd_run(unsigned port)
{
    int listener = open_listener(port);

    if (listener < 0 || !make_room()) {
        printf("httpd: port %u cannot be opened: %s\n", port, strerror(errno));
        return EXIT_FAILURE;
    }
    polls[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    count = 1;
    printf("httpd: serving port %u\n", port);
    for (;;) {
        if (poll(polls, count, SWEEP_MS) < 0)
            continue; /* no memory for it: connections end by and by */
        serve_ready(now_seconds());
        if (polls[0].revents)
            accept_all(listener);
    }
}
