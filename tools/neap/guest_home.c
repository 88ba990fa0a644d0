/* SPDX-License-Identifier: BSD-2-Clause */
/* The folders of guests: private to the user, one a name, locked while the guest lives. */
#include "guest.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int guest_check_name(const char *name, struct error *error)
{
    size_t length = strlen(name);
    bool good = isalnum((unsigned char)name[0]) && length <= GUEST_NAME_MAX;

    for (size_t i = 0; good && i < length; i++)
        good = isalnum((unsigned char)name[i]) || strchr("-_.", name[i]);
    if (!good)
        return error_set(error,
                         "'%.40s' is no name for a guest: use at most %d letters, "
                         "digits, '-', '_' and '.', and begin with a letter or digit",
                         name, GUEST_NAME_MAX);
    return 0;
}

/* Others must not be able to put a socket there, nor to reach the guest's monitor. */
static int check_private(const char *path, struct error *error)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &stat)) {
        error_set(error, "%s: %s: remove it, or set XDG_RUNTIME_DIR to a folder of yours", path,
                  strerror(errno));
    } else if (stat.st_uid != geteuid()) {
        error_set(error,
                  "%s belongs to another user: set XDG_RUNTIME_DIR to a folder of "
                  "yours",
                  path);
    } else if (stat.st_mode & 077) {
        error_set(error, "%s is open to others: chmod 700 %s", path, path);
    } else {
        close(fd);
        return 0;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

int guest_home(char *path, size_t size, struct error *error)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    int length;

    if (runtime && *runtime)
        length = snprintf(path, size, "%s/neap", runtime);
    else
        length = snprintf(path, size, "/tmp/neap-%u", (unsigned)geteuid());
    if (length < 0 || (size_t)length >= size)
        return error_set(error,
                         "XDG_RUNTIME_DIR=%.100s is too long for sockets below it: "
                         "set it to a shorter path",
                         runtime);
    if (path[0] != '/')
        return error_set(error,
                         "XDG_RUNTIME_DIR=%s is no absolute path: set it to one, or "
                         "unset it",
                         runtime);
    if (mkdir(path, 0700) && errno != EEXIST)
        return error_set(error,
                         "%s: %s: set XDG_RUNTIME_DIR to a folder of yours, or unset "
                         "it",
                         path, strerror(errno));
    return check_private(path, error);
}

const char *guest_path(const struct guest *guest, const char *file, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", guest->folder, file);
    return path;
}

int guest_folder(struct guest *guest, const char *name, struct error *error)
{
    /* "/NAME" follows, and "/qmp" must still fit into a socket address. */
    char home[sizeof(guest->folder) - GUEST_NAME_MAX - 1];

    if (guest_check_name(name, error) || guest_home(home, sizeof(home), error))
        return -1;
    *guest = (struct guest){.exit_status = -1};
    strcpy(guest->name, name);
    snprintf(guest->folder, sizeof(guest->folder), "%s/%s", home, name);
    return 0;
}

/* A lock of the open file: it ends with the last process that has inherited it. */
static int lock_call(int fd, int command, short *type)
{
    struct flock lock = {.l_type = *type, .l_whence = SEEK_SET};
    int result = fcntl(fd, command, &lock);

    *type = lock.l_type;
    return result;
}

bool guest_is_running(const struct guest *guest)
{
    char path[PATH_MAX];
    int fd = open(guest_path(guest, "lock", path), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    short type = F_WRLCK;
    bool running;

    if (fd < 0)
        return false;
    running = lock_call(fd, F_OFD_GETLK, &type) == 0 && type != F_UNLCK;
    close(fd);
    return running;
}

/* Remove a folder's files, but for the lock. */
static void empty_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;

    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, "lock") != 0)
            unlinkat(fd, entry->d_name, 0);
    }
    closedir(dir);
}

/* Take the lock. Returns it, or -1 with *reason: -EAGAIN if the folder has just gone. */
static int take_lock(const struct guest *guest, int *reason)
{
    char path[PATH_MAX];
    short type = F_WRLCK;
    struct stat stat;
    int fd =
        open(guest_path(guest, "lock", path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    *reason = -EAGAIN;
    if (fd < 0) {
        *reason = errno == ENOENT ? -EAGAIN : -errno;
        return -1;
    }
    if (lock_call(fd, F_OFD_SETLK, &type))
        *reason = errno == EAGAIN || errno == EACCES ? -EEXIST : -errno;
    else if (fstat(fd, &stat) == 0 && stat.st_nlink > 0)
        return fd;
    close(fd);
    return -1;
}

int guest_claim(struct guest *guest, const char *name, int *reason, struct error *error)
{
    int lock = -1;

    *reason = 0;
    if (guest_folder(guest, name, error))
        return -1;
    for (int turn = 0; lock < 0 && turn < 3; turn++) {
        if (mkdir(guest->folder, 0700) && errno != EEXIST)
            return error_set(error, "%s: %s", guest->folder, strerror(errno));
        if (check_private(guest->folder, error))
            return -1;
        lock = take_lock(guest, reason);
        if (lock < 0 && *reason != -EAGAIN)
            break;
    }
    if (lock >= 0)
        empty_folder(guest->folder);
    else if (*reason == -EEXIST)
        error_set(error,
                  "a guest named %s is running: give another --name, or end it with "
                  "`neap stop %s`",
                  name, name);
    else
        error_set(error, "%s: no lock: %s", guest->folder, strerror(-*reason));
    return lock;
}

void guest_remove(const struct guest *guest)
{
    char path[PATH_MAX];
    int reason, lock = take_lock(guest, &reason);

    if (lock < 0)
        return;
    empty_folder(guest->folder);
    unlink(guest_path(guest, "lock", path));
    rmdir(guest->folder);
    close(lock);
}
