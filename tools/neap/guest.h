/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guests of this user: a private folder for each, below $XDG_RUNTIME_DIR/neap or
 * /tmp/neap-UID.
 *
 *   lock         held as long as neap's process or QEMU lives: this alone says "running"
 *   state.json   what the guest was started with, and how it ended
 *   qmp          socket of QEMU's monitor
 *   console.in   pipe to the serial line, console.out what came over it (--detach)
 *   qemu.log     what QEMU said (--detach)
 */
#ifndef NEAP_TOOL_GUEST_H
#define NEAP_TOOL_GUEST_H

#include "error.h"
#include "qmp.h"
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define GUEST_NAME_MAX 32
#define GUESTS_MAX     256

struct guest {
    char name[GUEST_NAME_MAX + 1];
    char folder[100]; /* short enough for a socket below it */
    char image[PATH_MAX];
    char accel[8];   /* kvm or tcg */
    uint64_t memory; /* bytes at boot */
    uint64_t max;    /* bytes it can grow to */
    pid_t pid;       /* of QEMU, 0: not started yet */
    bool detached;
    bool running;
    int exit_status; /* of QEMU; -1: not known */
};

/* Letters, digits, '-', '_' and '.', the first no sign. Returns 0 or -1. */
int guest_check_name(const char *name, struct error *error);

/* The user's folder, made if needed and checked to be private. Returns 0 or -1. */
int guest_home(char *path, size_t size, struct error *error);

/* Start the description of a guest with its name and folder. Returns 0 or -1. */
int guest_folder(struct guest *guest, const char *name, struct error *error);

/* The path of one of a guest's files. */
const char *guest_path(const struct guest *guest, const char *file, char path[PATH_MAX]);

/*
 * Take a name for a guest that is about to start: makes its folder and empties it. Returns the
 * lock, to be inherited by QEMU, or -1: -EEXIST in *reason if a running guest has the name.
 */
int guest_claim(struct guest *guest, const char *name, int *reason, struct error *error);

/* Write and read the state file. Return 0 or -1. */
int guest_save(const struct guest *guest, struct error *error);
int guest_load(const char *name, struct guest *guest, struct error *error);

/* Is the lock held? */
bool guest_is_running(const struct guest *guest);

/* Remove an ended guest's folder. */
void guest_remove(const struct guest *guest);

/* All guests that have a folder, by name. Returns their number or -1. */
int guest_list(struct guest guests[GUESTS_MAX], struct error *error);

/* A running guest; the error lists those that there are. Returns 0 or -1. */
int guest_find(const char *name, struct guest *guest, struct error *error);

/* Open the monitor of a running guest. Returns 0 or -1. */
int guest_monitor(const struct guest *guest, int timeout_ms, struct qmp *qmp,
                  struct error *error);

/* "0", "3: self-tests failed", ... */
const char *guest_exit_text(int status, char text[40]);

#endif
