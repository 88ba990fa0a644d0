/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest datagrams at full speed; runs on the host and in the Linux reference guest.
 *
 *   packets send <address> <seconds>   to iperf's UDP port, numbered as iperf's
 *   packets sink                       counts them until the last one: prints "datagrams=<n>"
 *
 * 18 bytes of payload make a frame of 60 bytes, with its sum 64 on a wire.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT        5001
#define PAYLOAD     18
#define BURST       64
#define FAREWELLS   20
#define FAREWELL_US 100000
#define SINK_BUFFER (4 << 20)

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static unsigned send_burst(int sock, char (*data)[PAYLOAD], uint32_t next)
{
    struct iovec pieces[BURST];
    struct mmsghdr messages[BURST];
    int sent;

    memset(messages, 0, sizeof(messages));
    for (unsigned i = 0; i < BURST; i++) {
        uint32_t number = htonl(next + i);

        memcpy(data[i], &number, sizeof(number));
        pieces[i] = (struct iovec){data[i], PAYLOAD};
        messages[i].msg_hdr.msg_iov = &pieces[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    sent = sendmmsg(sock, messages, BURST, 0);
    return sent > 0 ? (unsigned)sent : 0;
}

static int send_all(const char *address, double seconds)
{
    static char data[BURST][PAYLOAD];
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    uint32_t next = 0, last;
    double begin = now();

    inet_pton(AF_INET, address, &peer.sin_addr);
    if (connect(sock, (struct sockaddr *)&peer, sizeof(peer)))
        return EXIT_FAILURE;
    while (now() - begin < seconds)
        next += send_burst(sock, data, next);
    printf("sent=%u us=%.0f\n", next, (now() - begin) * 1e6);
    last = htonl(-next);
    memcpy(data[0], &last, sizeof(last));
    for (unsigned i = 0; i < FAREWELLS; i++) {
        usleep(FAREWELL_US);
        if (send(sock, data[0], PAYLOAD, 0) < 0)
            break; /* the other side has gone */
    }
    return EXIT_SUCCESS;
}

static int sink(void)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int sock = socket(AF_INET, SOCK_DGRAM, 0), room = SINK_BUFFER;
    uint64_t datagrams = 0;
    uint32_t number = 0;

    setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    if (bind(sock, (struct sockaddr *)&own, sizeof(own)))
        return EXIT_FAILURE;
    printf("serving UDP\n");
    while ((int32_t)ntohl(number) >= 0)
        if (recv(sock, &number, sizeof(number), MSG_TRUNC) > 0)
            datagrams++;
    printf("datagrams=%llu\n", (unsigned long long)datagrams);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc == 4 && strcmp(argv[1], "send") == 0)
        return send_all(argv[2], atof(argv[3]));
    if (argc == 2 && strcmp(argv[1], "sink") == 0)
        return sink();
    return EXIT_FAILURE;
}
