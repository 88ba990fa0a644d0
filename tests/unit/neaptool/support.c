/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the host tool share, and stand-ins for what the runner wants of a shim. */
#include "support.h"
#include "deadline.h"
#include "shim.h"
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING                                                    \
    "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n" \
    "{\"return\": {}, \"id\": 1}\r\n"

bool shim_verbose;

void shim_init(void)
{
}

static char folder[64];

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *runtime_folder(void)
{
    strcpy(folder, "/tmp/neaptool-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    atexit(remove_folder);
    setenv("XDG_RUNTIME_DIR", folder, 1);
    return folder;
}

const char *write_file(const char *name, const void *data, size_t size)
{
    static char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    CHECK(file && fwrite(data, 1, size, file) == size);
    fclose(file);
    return path;
}

int scripted_qemu(const char *lines, bool closed)
{
    int ends[2], room = 4 * QMP_LINE_MAX;
    size_t length = strlen(lines);

    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    CHECK_EQ(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) &&
                 setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)),
             0);
    CHECK_EQ(write(ends[1], lines, length), length);
    if (closed)
        CHECK_EQ(shutdown(ends[1], SHUT_WR), 0);
    return ends[0];
}

void scripted_session(struct qmp *qmp, const char *lines, bool closed)
{
    char script[8192];
    struct error error;

    snprintf(script, sizeof(script), "%s%s", GREETING, lines);
    CHECK_EQ(qmp_open_fd(qmp, scripted_qemu(script, closed), deadline_in(300), &error), 0);
}
