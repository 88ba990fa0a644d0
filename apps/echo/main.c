/* SPDX-License-Identifier: BSD-2-Clause */
/* A server that sends back what it gets, on port 7: the smallest network application. */
#include <neap/app_thread.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void serve(void *arg)
{
    int fd = (int)(long)arg;
    char data[4096];
    ssize_t got;

    while ((got = recv(fd, data, sizeof(data), 0)) > 0 && send(fd, data, (size_t)got, 0) == got)
        ;
    close(fd);
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd;

    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 64)) {
        perror("echo");
        return EXIT_FAILURE;
    }
    printf("echo: serving port 7\n");
    for (;;) {
        fd = accept(listener, NULL, NULL);
        if (fd >= 0 && app_thread_start("echo", serve, (void *)(long)fd))
            close(fd);
    }
}
