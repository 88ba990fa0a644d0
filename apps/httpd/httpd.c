/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The web server: answers.
 */
#define _GNU_SOURCE 1 /* memmem() */
#include "httpd.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 10000
#define IDLE_SECONDS    300

uint64_t http_requests;

static void add_head(struct dialog *dialog, const struct http_request *request,
                     const char *status, const char *more)
{
    dialog_print(dialog, "HTTP/1.1 %s\r\nServer: neap\r\n%s%s\r\n", status, more,
                 request->close ? "Connection: close\r\n" : "");
}

/* A short text of our own. */
static void answer_text(struct dialog *dialog, const struct http_request *request,
                        const char *status)
{
    char more[128];

    snprintf(more, sizeof(more), "%sContent-Type: text/plain\r\nContent-Length: %zu\r\n",
             strncmp(status, "405", 3) == 0 ? "Allow: GET, HEAD\r\n" : "", strlen(status) + 1);
    add_head(dialog, request, status, more);
    if (!request->head_only)
        dialog_print(dialog, "%s\n", status);
}

static void answer_metrics(struct dialog *dialog, const struct http_request *request)
{
    char *text = metrics_text(), more[128];

    if (!text) {
        answer_text(dialog, request, "503 Service Unavailable");
        return;
    }
    snprintf(more, sizeof(more),
             "Content-Type: text/plain; version=0.0.4\r\nContent-Length: %zu\r\n",
             strlen(text));
    add_head(dialog, request, "200 OK", more);
    if (request->head_only)
        free(text);
    else
        dialog_body(dialog, text, strlen(text), free, text);
}

/* The tag is a name for the contents: other contents have another one. */
static void describe(struct packed_file *page)
{
    uint64_t hash = 0xcbf29ce484222325u;
    int length;

    for (const char *byte = page->start; byte < page->end; byte++)
        hash = (hash ^ (unsigned char)*byte) * 0x100000001b3u;
    snprintf(page->tag, sizeof(page->tag), "\"%016" PRIx64 "\"", hash);
    length = snprintf(page->head, sizeof(page->head),
                      "HTTP/1.1 200 OK\r\nServer: neap\r\nETag: %s\r\nContent-Type: %s\r\n"
                      "Content-Length: %zu\r\n",
                      page->tag, page->type, (size_t)(page->end - page->start));
    page->head_length = (size_t)length;
}

/* Does the client have the page already? `known` is a list of tags up to the line's end. */
static bool is_known(const char *known, const char *tag)
{
    if (!known)
        return false;
    return known[0] == '*' || memmem(known, strcspn(known, "\r"), tag, HTTP_TAG_LENGTH) != NULL;
}

static void answer_page(struct dialog *dialog, const struct http_request *request,
                        struct packed_file *page)
{
    static const char end[] = "\r\n", close_end[] = "Connection: close\r\n\r\n";
    char more[HTTP_TAG_LENGTH + 16];

    if (page->head_length == 0)
        describe(page);
    if (is_known(request->known, page->tag)) {
        snprintf(more, sizeof(more), "ETag: %s\r\n", page->tag);
        add_head(dialog, request, "304 Not Modified", more);
        return;
    }
    dialog_add(dialog, page->head, page->head_length);
    if (request->close)
        dialog_add(dialog, close_end, sizeof(close_end) - 1);
    else
        dialog_add(dialog, end, sizeof(end) - 1);
    if (!request->head_only)
        dialog_body(dialog, page->start, (size_t)(page->end - page->start), NULL, NULL);
}

static enum step step(struct dialog *dialog)
{
    struct http_request request;
    size_t length, used;
    const char *input = dialog_input(dialog, &length);
    struct packed_file *page;

    used = http_parse(input, length, &request);
    if (used == 0)
        return STEP_MORE;
    http_requests++;
    page = packed_file_find(request.path, request.path_length);
    if (request.refusal)
        answer_text(dialog, &request, request.refusal);
    else if (page)
        answer_page(dialog, &request, page);
    else if (request.path_length == 8 && memcmp(request.path, "/metrics", 8) == 0)
        answer_metrics(dialog, &request);
    else
        answer_text(dialog, &request, "404 Not Found");
    dialog_take(dialog, used);
    if (request.close)
        dialog_close(dialog);
    return STEP_DONE;
}

const struct service http_service = {
    .name = "httpd",
    .refusal = "HTTP/1.1 503 Service Unavailable\r\nServer: neap\r\nRetry-After: 1\r\n"
               "Content-Length: 0\r\nConnection: close\r\n\r\n",
    .step = step,
};

struct server http_server = {
    .service = &http_service,
    .connections_max = CONNECTIONS_MAX,
    .idle_seconds = IDLE_SECONDS,
};

int httpd_open(unsigned port)
{
    http_server.port = port;
    return server_open(&http_server);
}
