/* SPDX-License-Identifier: BSD-2-Clause */
/* The state files of guests, and finding a guest by its name. */
#include "guest.h"
#include "size.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int guest_save(const struct guest *guest, struct error *error)
{
    struct json_object *state = json_object_new_object();
    char path[PATH_MAX], new_path[PATH_MAX];
    int failed;

    json_object_object_add(state, "image", json_object_new_string(guest->image));
    json_object_object_add(state, "accel", json_object_new_string(guest->accel));
    json_object_object_add(state, "memory", json_object_new_uint64(guest->memory));
    json_object_object_add(state, "max", json_object_new_uint64(guest->max));
    json_object_object_add(state, "pid", json_object_new_int64(guest->pid));
    json_object_object_add(state, "detached", json_object_new_int(guest->detached));
    if (guest->exit_status >= 0)
        json_object_object_add(state, "exit", json_object_new_int(guest->exit_status));
    guest_path(guest, "state.json", path);
    guest_path(guest, "state.new", new_path);
    failed = json_object_to_file_ext(new_path, state, JSON_C_TO_STRING_PRETTY) ||
             rename(new_path, path);
    json_object_put(state);
    if (failed)
        return error_set(error, "%s cannot be written: %s", path, strerror(errno));
    return 0;
}

/* Returns false if something is missing or makes no sense. */
static bool parse_state(struct json_object *state, struct guest *guest)
{
    uint64_t pid, detached, exit_status;
    const char *image, *accel;

    if (!json_get_text(state, "image", &image) || strlen(image) >= sizeof(guest->image) ||
        !json_get_text(state, "accel", &accel) || strlen(accel) >= sizeof(guest->accel) ||
        !json_get_u64(state, "memory", &guest->memory) || guest->memory == 0 ||
        !json_get_u64(state, "max", &guest->max) || guest->max < guest->memory ||
        !json_get_u64(state, "pid", &pid) || pid > INT_MAX ||
        !json_get_u64(state, "detached", &detached))
        return false;
    strcpy(guest->image, image);
    strcpy(guest->accel, accel);
    guest->pid = (pid_t)pid;
    guest->detached = detached;
    if (json_get_u64(state, "exit", &exit_status) && exit_status <= 255)
        guest->exit_status = (int)exit_status;
    return true;
}

int guest_load(const char *name, struct guest *guest, struct error *error)
{
    struct json_object *state;
    char path[PATH_MAX];
    bool good;

    if (guest_folder(guest, name, error))
        return -1;
    /* The lock first: a guest that ends in between has a state file to read, or none. */
    guest->running = guest_is_running(guest);
    state = json_object_from_file(guest_path(guest, "state.json", path));
    good = state && parse_state(state, guest);
    json_object_put(state);
    if (!good)
        return error_set(error, "%s is missing or damaged", path);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct guest *)a)->name, ((const struct guest *)b)->name);
}

int guest_list(struct guest guests[GUESTS_MAX], struct error *error)
{
    const struct dirent *entry;
    struct error ignored;
    char home[PATH_MAX];
    int count = 0;
    DIR *dir;

    if (guest_home(home, sizeof(home), error))
        return -1;
    dir = opendir(home);
    if (dir == NULL)
        return error_set(error, "%s: %s", home, strerror(errno));
    while (count < GUESTS_MAX && (entry = readdir(dir)) != NULL) {
        /* A guest that starts just now has no state yet; other files are none of ours. */
        if (guest_load(entry->d_name, &guests[count], &ignored) == 0)
            count++;
    }
    closedir(dir);
    qsort(guests, (size_t)count, sizeof(*guests), by_name);
    return count;
}

static int report_unknown(const char *name, bool ended, struct error *error)
{
    static struct guest guests[GUESTS_MAX];
    char names[512] = "";
    int count = guest_list(guests, error);

    for (int i = 0; i < count; i++) {
        size_t length = strlen(names);

        if (guests[i].running)
            snprintf(names + length, sizeof(names) - length, "%s%.*s", length ? ", " : "",
                     GUEST_NAME_MAX, guests[i].name);
    }
    return error_set(error, "%s '%s'; %s%s", ended ? "ended already:" : "no guest is named",
                     name,
                     names[0] ? "running: "
                              : "none is running: start one with "
                                "`neap run IMAGE --detach`",
                     names);
}

int guest_find(const char *name, struct guest *guest, struct error *error)
{
    struct error ignored;

    if (guest_check_name(name, error))
        return -1;
    if (guest_load(name, guest, &ignored))
        return report_unknown(name, false, error);
    return guest->running ? 0 : report_unknown(name, true, error);
}

int guest_monitor(const struct guest *guest, int timeout_ms, struct qmp *qmp,
                  struct error *error)
{
    char path[PATH_MAX];
    struct error reason;

    if (qmp_open(qmp, guest_path(guest, "qmp", path), timeout_ms, &reason))
        return error_set(error, "%s: %.900s", guest->name, reason.text);
    return 0;
}

const char *guest_exit_text(int status, char text[40])
{
    static const struct {
        int status;
        const char *meaning;
    } known[] = {
        {0, "powered off"},
        {1, "QEMU failed"},
        {3, "self-tests failed"},
        {5, "panic"},
    };

    snprintf(text, 40, status < 0 ? "not known" : "%d", status);
    for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
        if (known[i].status == status)
            snprintf(text, 40, "%d: %s", status, known[i].meaning);
    }
    return text;
}
