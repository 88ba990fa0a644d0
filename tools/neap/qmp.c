/* SPDX-License-Identifier: BSD-2-Clause */
/* A client of QEMU's machine protocol: lines of JSON over a socket. */
#include "qmp.h"
#include "deadline.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RETRY_MS 20

bool json_get_u64(struct json_object *object, const char *key, uint64_t *value)
{
    struct json_object *member;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, key, &member) ||
        !json_object_is_type(member, json_type_int) || json_object_get_int64(member) < 0)
        return false;
    *value = json_object_get_uint64(member);
    return true;
}

bool json_get_text(struct json_object *object, const char *key, const char **value)
{
    struct json_object *member;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, key, &member) ||
        !json_object_is_type(member, json_type_string))
        return false;
    *value = json_object_get_string(member);
    return true;
}

/* Wait until the socket is ready for `events`. Returns 0 or -1. */
static int wait_ready(struct qmp *qmp, short events, struct error *error)
{
    struct pollfd poller = {.fd = qmp->fd, .events = events};
    int result;

    do {
        result = poll(&poller, 1, deadline_left(qmp->deadline));
    } while (result < 0 && errno == EINTR);
    if (result == 0)
        return error_set(error, "QEMU's monitor does not answer: is QEMU stopped, or does "
                                "another program hold the monitor?");
    if (result < 0)
        return error_set(error, "waiting for QEMU's monitor: %s", strerror(errno));
    return 0;
}

/* Receive more bytes behind those that are there. Returns 0 or -1. */
static int receive(struct qmp *qmp, struct error *error)
{
    ssize_t got;

    if (qmp->length == qmp->room) {
        size_t room = qmp->room ? 2 * qmp->room : 4096;
        char *line = room <= QMP_LINE_MAX ? realloc(qmp->line, room) : NULL;

        if (line == NULL)
            return error_set(error, "QEMU's monitor sent a line without an end");
        qmp->line = line;
        qmp->room = room;
    }
    if (wait_ready(qmp, POLLIN, error))
        return -1;
    got = recv(qmp->fd, qmp->line + qmp->length, qmp->room - qmp->length, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0)
        return error_set(error, "QEMU closed its monitor: it has ended");
    qmp->length += (size_t)got;
    return 0;
}

/* The next message, for the caller to put, or NULL. */
static struct json_object *read_message(struct qmp *qmp, struct error *error)
{
    struct json_object *message;
    char *end;

    while (qmp->length == 0 || (end = memchr(qmp->line, '\n', qmp->length)) == NULL) {
        if (receive(qmp, error))
            return NULL;
    }
    *end = '\0';
    message = json_tokener_parse(qmp->line);
    if (!json_object_is_type(message, json_type_object)) {
        error_set(error, "QEMU's monitor sent what is no message: %.100s", qmp->line);
        json_object_put(message);
        message = NULL;
    }
    qmp->length -= (size_t)(end + 1 - qmp->line);
    memmove(qmp->line, end + 1, qmp->length);
    return message;
}

static int send_text(struct qmp *qmp, const char *text, struct error *error)
{
    size_t left = strlen(text);

    while (left) {
        ssize_t sent = send(qmp->fd, text, left, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent > 0) {
            text += sent;
            left -= (size_t)sent;
        } else if (errno != EAGAIN && errno != EINTR) {
            return error_set(error, "QEMU closed its monitor: it has ended");
        } else if (wait_ready(qmp, POLLOUT, error)) {
            return -1;
        }
    }
    return 0;
}

/*
 * What a message says about the call `id`: the result, or NULL with an error. Events, and
 * answers to calls of before, leave *other true.
 */
static struct json_object *take_answer(struct json_object *message, const char *command,
                                       uint64_t id, bool *other, struct error *error)
{
    struct json_object *result;
    const char *description;
    uint64_t answered;

    *other = json_object_object_get_ex(message, "event", NULL) ||
             (json_get_u64(message, "id", &answered) && answered != id);
    if (*other)
        return NULL;
    if (json_object_object_get_ex(message, "return", &result) && result)
        return json_object_get(result);
    if (json_object_object_get_ex(message, "error", &result) &&
        json_get_text(result, "desc", &description))
        error_set(error, "QEMU refused %s: %s", command, description);
    else
        error_set(error, "QEMU's answer to %s is neither a result nor an error", command);
    return NULL;
}

struct json_object *qmp_call(struct qmp *qmp, const char *command,
                             struct json_object *arguments, struct error *error)
{
    struct json_object *request = json_object_new_object(), *message, *result;
    uint64_t id = ++qmp->last_id;
    bool other = true;
    int failed;

    json_object_object_add(request, "execute", json_object_new_string(command));
    json_object_object_add(request, "id", json_object_new_uint64(id));
    if (arguments)
        json_object_object_add(request, "arguments", arguments);
    failed =
        send_text(qmp, json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN), error);
    json_object_put(request);
    if (failed)
        return NULL;
    do {
        message = read_message(qmp, error);
        if (message == NULL)
            return NULL;
        result = take_answer(message, command, id, &other, error);
        json_object_put(message);
    } while (other);
    return result;
}

int qmp_do(struct qmp *qmp, const char *command, struct json_object *arguments,
           struct error *error)
{
    struct json_object *result = qmp_call(qmp, command, arguments, error);

    json_object_put(result);
    return result ? 0 : -1;
}

int qmp_open_fd(struct qmp *qmp, int fd, int64_t deadline, struct error *error)
{
    struct json_object *greeting;
    bool known;

    *qmp = (struct qmp){.fd = fd, .deadline = deadline};
    greeting = read_message(qmp, error);
    if (greeting == NULL) {
        qmp_close(qmp);
        return -1;
    }
    known = json_object_object_get_ex(greeting, "QMP", NULL);
    json_object_put(greeting);
    if (!known)
        error_set(error, "what answers on the monitor's socket is not QEMU");
    if (!known || qmp_do(qmp, "qmp_capabilities", NULL, error)) {
        qmp_close(qmp);
        return -1;
    }
    return 0;
}

/* A full line of waiting clients refuses for a moment: the connection is tried again. */
int qmp_open(struct qmp *qmp, const char *path, int timeout_ms, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int64_t deadline = deadline_in(timeout_ms);
    int fd;

    if (strlen(path) >= sizeof(address.sun_path))
        return error_set(error,
                         "%s is too long for a socket: set XDG_RUNTIME_DIR to a "
                         "shorter path",
                         path);
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set(error, "no socket: %s", strerror(errno));
    while (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
        int why = errno;

        if (why != EAGAIN || deadline_left(deadline) == 0) {
            error_set(error, "QEMU's monitor %s: %s", path,
                      why == EAGAIN ? "busy with another program" : strerror(why));
            close(fd);
            return -1;
        }
        deadline_nap(deadline, RETRY_MS);
    }
    return qmp_open_fd(qmp, fd, deadline, error);
}

void qmp_close(struct qmp *qmp)
{
    if (qmp->fd >= 0)
        close(qmp->fd);
    free(qmp->line);
    *qmp = (struct qmp){.fd = -1};
}
