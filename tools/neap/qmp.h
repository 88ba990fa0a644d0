/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of QEMU's machine protocol.
 *
 * QEMU serves one client at a time on a socket; others wait in line. So a session is short: a
 * connection, some calls, and closed again, and commands of neap never stand in each other's
 * way. Every wait ends with the session's deadline.
 */
#ifndef NEAP_TOOL_QMP_H
#define NEAP_TOOL_QMP_H

#include "error.h"
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#define QMP_LINE_MAX (1 << 20) /* longer than any answer to what neap asks */

struct qmp {
    int fd;
    int64_t deadline;
    uint64_t last_id;
    char *line; /* received and not yet taken */
    size_t length, room;
};

/* Connect to a socket and leave the protocol ready for calls. Returns 0 or -1. */
int qmp_open(struct qmp *qmp, const char *path, int timeout_ms, struct error *error);

/* The same over a connected socket, which is closed with the session. */
int qmp_open_fd(struct qmp *qmp, int fd, int64_t deadline, struct error *error);

void qmp_close(struct qmp *qmp);

/*
 * Run a command; takes over the reference to `arguments` (NULL: none). Returns what QEMU
 * returned, for the caller to put, or NULL.
 */
struct json_object *qmp_call(struct qmp *qmp, const char *command,
                             struct json_object *arguments, struct error *error);

/* Run a command whose result says nothing. Returns 0 or -1. */
int qmp_do(struct qmp *qmp, const char *command, struct json_object *arguments,
           struct error *error);

/* A member of an object, of the right type, or false. A string lives as long as the object. */
bool json_get_u64(struct json_object *object, const char *key, uint64_t *value);
bool json_get_text(struct json_object *object, const char *key, const char **value);

#endif
