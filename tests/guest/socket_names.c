/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses from text and back, and options that read back as they were set.
 */
#include "socket.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

/* Through getaddrinfo() and back it is the same text. */
static void check_text(struct selftest *t, const char *host, int family)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *list;
    char name[INET6_ADDRSTRLEN], service[NI_MAXSERV];
    int error = getaddrinfo(host, "8080", &hints, &list);

    EXPECT_EQ(t, error, 0);
    if (error)
        return;
    EXPECT_EQ(t, list->ai_family, family);
    EXPECT_EQ(t, list->ai_next, NULL);
    EXPECT_EQ(t,
              getnameinfo(list->ai_addr, list->ai_addrlen, name, sizeof(name), service,
                          sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV),
              0);
    EXPECT(t, strcasecmp(name, host) == 0 && strcmp(service, "8080") == 0);
    EXPECT_EQ(t,
              getnameinfo(list->ai_addr, list->ai_addrlen, name, 4, service, sizeof(service),
                          NI_NUMERICHOST),
              EAI_OVERFLOW);
    EXPECT_EQ(t, getnameinfo(list->ai_addr, list->ai_addrlen, NULL, 0, service, 4, 0),
              EAI_OVERFLOW);
    EXPECT_EQ(t, getnameinfo(list->ai_addr, 3, name, sizeof(name), NULL, 0, 0), EAI_FAMILY);
    EXPECT_EQ(
        t,
        getnameinfo(list->ai_addr, list->ai_addrlen, name, sizeof(name), NULL, 0, NI_NAMEREQD),
        EAI_NONAME);
    freeaddrinfo(list);
}

static void test_names(struct selftest *t)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *list;

    check_text(t, "192.0.2.17", AF_INET);
    check_text(t, "2001:db8::17", AF_INET6);
    EXPECT_EQ(t, getaddrinfo("a.name", "80", &hints, &list), EAI_NONAME);
    EXPECT_EQ(t, getaddrinfo("192.0.2.1", "http", &hints, &list), EAI_SERVICE);
    EXPECT_EQ(t, getaddrinfo(NULL, NULL, &hints, &list), EAI_NONAME);
}
SELFTEST(socket_addresses_to_text_and_back, test_names);

static const struct {
    int level, option, value;
} options[] = {
    {SOL_SOCKET, SO_REUSEADDR, 1},    {SOL_SOCKET, SO_KEEPALIVE, 1},
    {IPPROTO_TCP, TCP_NODELAY, 1},    {IPPROTO_TCP, TCP_KEEPIDLE, 77},
    {IPPROTO_TCP, TCP_KEEPINTVL, 11}, {IPPROTO_TCP, TCP_KEEPCNT, 3},
    {IPPROTO_IPV6, IPV6_V6ONLY, 1},
};

static void test_options(struct selftest *t)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);

    for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
        int level = options[i].level, option = options[i].option, back = -1;
        socklen_t length = sizeof(back);

        EXPECT_EQ(t, setsockopt(fd, level, option, &options[i].value, sizeof(int)), 0);
        EXPECT_EQ(t, getsockopt(fd, level, option, &back, &length), 0);
        EXPECT_EQ(t, back, options[i].value);
    }
    EXPECT(t, setsockopt(fd, SOL_SOCKET, 12345, &(int){1}, sizeof(int)) == -1 &&
                  errno == ENOPROTOOPT);
    close(fd);
}
SELFTEST(socket_options_read_back, test_options);
