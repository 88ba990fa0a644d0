/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the reference guest needs to serve, as commands of its init:
 *
 *   net <address> <mask>    bring up lo and eth0; mounts what servers expect
 *   start <program> ...     a program in the background; what it prints goes nowhere
 *   stop                    end those
 *   exec <program> ...      a program until its end, on the console
 *   cat <file>              print a file
 *   write <file> <text>     write a line, as into /proc
 */
#include "linux_service.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX   24
#define STARTED_MAX 8
#define FILES_MAX   16384

static pid_t started[STARTED_MAX];
static unsigned nr_started;

static void report(const char *what, int result)
{
    if (result < 0)
        printf("linux: %s: %s\n", what, strerror(errno));
}

static void set_address(int sock, const char *name, unsigned long request, const char *text)
{
    struct ifreq ifr = {.ifr_addr.sa_family = AF_INET};
    struct sockaddr_in *address = (struct sockaddr_in *)&ifr.ifr_addr;

    strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
    inet_pton(AF_INET, text, &address->sin_addr);
    report(name, ioctl(sock, request, &ifr));
}

static void set_up(int sock, const char *name)
{
    struct ifreq ifr = {.ifr_flags = IFF_UP | IFF_RUNNING};

    strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
    report(name, ioctl(sock, SIOCSIFFLAGS, &ifr));
}

static void cmd_net(const char *address, const char *mask)
{
    int sock = socket(AF_INET, SOCK_DGRAM, 0);

    mkdir("/sys", 0755);
    report("/sys", mount("sysfs", "/sys", "sysfs", 0, NULL));
    report("/dev", mount("devtmpfs", "/dev", "devtmpfs", 0, NULL));
    set_up(sock, "lo");
    set_address(sock, "eth0", SIOCSIFADDR, address);
    set_address(sock, "eth0", SIOCSIFNETMASK, mask);
    set_up(sock, "eth0");
    close(sock);
}

/* In the new process: never returns. */
static void become(char **words, bool quiet)
{
    struct rlimit files = {FILES_MAX, FILES_MAX};
    int null = open("/dev/null", O_RDWR);

    setrlimit(RLIMIT_NOFILE, &files);
    dup2(null, 0);
    if (quiet) {
        dup2(null, 1);
        dup2(null, 2);
    }
    execv(words[0], words);
    dprintf(2, "linux: %s: %s\n", words[0], strerror(errno));
    _exit(127);
}

static void cmd_exec(char **words, bool background)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0)
        become(words, background);
    if (background && nr_started < STARTED_MAX)
        started[nr_started++] = child;
    else if (waitpid(child, &status, 0) == child && status)
        printf("linux: %s ended with status %#x\n", words[0], status);
}

static void cmd_stop(void)
{
    while (nr_started > 0) {
        kill(started[--nr_started], SIGTERM);
        waitpid(started[nr_started], NULL, 0);
    }
}

static void cmd_cat(const char *path)
{
    char line[512];
    FILE *file = fopen(path, "r");

    report(path, file ? 0 : -1);
    while (file && fgets(line, sizeof(line), file))
        fputs(line, stdout);
    if (file)
        fclose(file);
}

static void cmd_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    report(path, fd < 0 ? -1 : (int)dprintf(fd, "%s\n", text));
    if (fd >= 0)
        close(fd);
}

bool service_command(char *line)
{
    char copy[256], *words[WORDS_MAX + 1] = {NULL}, *rest = NULL;
    int count = 0;

    line[strcspn(line, "\r\n")] = '\0';
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok_r(copy, " ", &rest); word && count < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    if (count == 3 && strcmp(words[0], "net") == 0)
        cmd_net(words[1], words[2]);
    else if (count >= 2 && strcmp(words[0], "start") == 0)
        cmd_exec(words + 1, true);
    else if (count >= 2 && strcmp(words[0], "exec") == 0)
        cmd_exec(words + 1, false);
    else if (count == 1 && strcmp(words[0], "stop") == 0)
        cmd_stop();
    else if (count == 2 && strcmp(words[0], "cat") == 0)
        cmd_cat(words[1]);
    else if (count >= 3 && strcmp(words[0], "write") == 0)
        cmd_write(words[1], strstr(line, words[1]) + strlen(words[1]) + 1);
    else
        return false;
    return true;
}
