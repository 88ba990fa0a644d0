/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request of HTTP/1.0 or 1.1 and its answer.
 */
#define _GNU_SOURCE /* memmem() */
#include "httpd.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void set_head(struct answer *answer, const char *status, const char *type)
{
    answer->head_length = (size_t)snprintf(
        answer->head, sizeof(answer->head),
        "HTTP/1.1 %s\r\nServer: neap\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n",
        status, type, answer->body_length, answer->close ? "Connection: close\r\n" : "");
}

static void refuse(struct answer *answer, const char *status)
{
    answer->body = status;
    answer->body_length = strlen(status);
    answer->close = true;
    set_head(answer, status, "text/plain");
}

/* The end of the head: behind the empty line. NULL: it has not come yet. */
static const char *head_end(const char *text, size_t length)
{
    const char *end = memmem(text, length, "\r\n\r\n", 4);

    return end ? end + 4 : NULL;
}

/* The value of a header line, without the blanks before it; NULL: there is no such line. */
static const char *header(const char *text, const char *end, const char *name)
{
    size_t length = strlen(name);
    const char *line = text;

    while ((line = memmem(line, (size_t)(end - line), "\r\n", 2))) {
        line += 2;
        if ((size_t)(end - line) > length && strncasecmp(line, name, length) == 0 &&
            line[length] == ':') {
            line += length + 1;
            return line + strspn(line, " \t");
        }
    }
    return NULL;
}

static bool wants_close(const char *text, const char *end, bool http10)
{
    const char *value = header(text, end, "Connection");

    if (http10)
        return !value || strncasecmp(value, "keep-alive", 10) != 0;
    return value && strncasecmp(value, "close", 5) == 0;
}

static void find_body(struct answer *answer, const char *path, size_t length)
{
    const struct packed_file *page = packed_file_find(path, length);

    if (length == 8 && memcmp(path, "/metrics", 8) == 0) {
        answer->owned = metrics_text();
        if (!answer->owned) {
            refuse(answer, "503 Service Unavailable");
            return;
        }
        answer->body = answer->owned;
        answer->body_length = strlen(answer->owned);
        set_head(answer, "200 OK", "text/plain; version=0.0.4");
    } else if (page) {
        answer->body = page->start;
        answer->body_length = (size_t)(page->end - page->start);
        set_head(answer, "200 OK", page->type);
    } else {
        answer->body = "no such page\n";
        answer->body_length = strlen(answer->body);
        set_head(answer, "404 Not Found", "text/plain");
    }
}

/* "METHOD path HTTP/1.x" */
static void answer_line(struct answer *answer, const char *text, const char *end)
{
    const char *line_end = memmem(text, (size_t)(end - text), "\r\n", 2);
    const char *path = memchr(text, ' ', (size_t)(line_end - text));
    const char *version = path ? memchr(path + 1, ' ', (size_t)(line_end - path - 1)) : NULL;
    bool is_get = strncmp(text, "GET ", 4) == 0, is_head = strncmp(text, "HEAD ", 5) == 0;
    const char *query;
    size_t length;

    if (!version || strncmp(version + 1, "HTTP/1.", 7) != 0 || path[1] != '/') {
        refuse(answer, "400 Bad Request");
        return;
    }
    if (header(text, end, "Transfer-Encoding") || header(text, end, "Content-Length")) {
        refuse(answer, "413 Content Too Large");
        return;
    }
    if (!is_get && !is_head) {
        refuse(answer, "405 Method Not Allowed");
        return;
    }
    answer->close = wants_close(text, end, version[8] == '0');
    length = (size_t)(version - path - 1);
    query = memchr(path + 1, '?', length);
    find_body(answer, path + 1, query ? (size_t)(query - path - 1) : length);
    if (is_head)
        answer->body_length = 0;
}

size_t request_answer(const char *text, size_t length, struct answer *answer)
{
    const char *end = head_end(text, length);

    *answer = (struct answer){.body = NULL};
    if (!end && length < REQUEST_MAX)
        return 0;
    if (!end) {
        refuse(answer, "431 Request Header Fields Too Large");
        return length;
    }
    answer_line(answer, text, end);
    return (size_t)(end - text);
}
