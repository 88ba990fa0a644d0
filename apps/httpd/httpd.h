/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the web server share.
 */
#ifndef HTTPD_H
#define HTTPD_H

#include "../lib/server.h"
#include <stdint.h>

#define HTTP_PORT     80
#define HTTP_HEAD_MAX 4096 /* bytes of a request's head */
#define HTTP_LINE_MAX 2048 /* of its first line */

#define HTTP_TAG_LENGTH 18 /* 16 digits in quotes */
#define HTTP_PAGE_HEAD  192

/* A file in the image, and what is said of it in every answer. */
struct packed_file {
    const char *path;
    const char *type;
    const char *start, *end;
    size_t head_length; /* 0: the rest is made with the first answer */
    char tag[HTTP_TAG_LENGTH + 1];
    char head[HTTP_PAGE_HEAD]; /* without the empty line at its end */
};

/* The page of a path, or NULL. */
struct packed_file *packed_file_find(const char *path, size_t length);

/*
 * Read the site on the block device /dev/blk0, if there is one; says what it found. What is
 * there takes the place of the files in the image.
 */
void site_open(void);
bool site_is_open(void);
struct packed_file *site_find(const char *path, size_t length);

/* One request, as far as the answer depends on it. */
struct http_request {
    const char *refusal; /* a status line's text instead of an answer, or NULL */
    const char *path;
    size_t path_length;
    const char *known; /* value of If-None-Match, to the line's end, or NULL */
    bool head_only;
    bool close; /* the client wants it, or it cannot be helped */
};

/*
 * Parse the request at the start of `text`. Returns the length of its head; 0: it is not
 * complete yet.
 */
size_t http_parse(const char *text, size_t length, struct http_request *request);

/* Figures about the guest for Prometheus, to be freed; NULL without memory. */
char *metrics_text(void);

extern const struct service http_service;
extern struct server http_server;
extern uint64_t http_requests;

/* Open the server on a port: then server_run() serves. Returns 0 or -1, which it has explained.
 */
int httpd_open(unsigned port);

#endif
