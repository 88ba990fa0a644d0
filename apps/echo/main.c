/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server that sends back what it gets, on port 7: the smallest example of a network
 * application, and what the tests send data through.
 */
#include <neap/app_thread.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT   7
#define BUFFER 16384

static void serve(void *arg)
{
    char *data = malloc(BUFFER); /* a thread's stack is as large */
    int fd = (int)(long)arg;
    ssize_t got;

    while (data && (got = recv(fd, data, BUFFER, 0)) > 0) {
        if (send(fd, data, (size_t)got, 0) != got)
            break;
    }
    close(fd);
    free(data);
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd;

    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 64)) {
        perror("echo");
        return EXIT_FAILURE;
    }
    printf("echo: serving port %d\n", PORT);
    for (;;) {
        fd = accept(listener, NULL, NULL);
        if (fd >= 0 && app_thread_start("echo", serve, (void *)(long)fd))
            close(fd);
    }
}
