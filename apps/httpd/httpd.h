/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the web server share.
 */
#ifndef HTTPD_H
#define HTTPD_H

#include <stdbool.h>
#include <stddef.h>

#define REQUEST_MAX 4096 /* bytes of a request's head */

/* A file in the image. */
struct packed_file {
    const char *path;
    const char *type;
    const char *start, *end;
};

/* The page of a path, or NULL. */
const struct packed_file *packed_file_find(const char *path, size_t length);

/* What to answer: a head, then a body that is constant or, with `owned`, to be freed. */
struct answer {
    char head[256];
    size_t head_length;
    const char *body;
    size_t body_length;
    char *owned;
    bool close; /* the connection ends after it */
};

/*
 * The answer to the request at the start of `text`. Returns the request's length; 0: it is not
 * complete yet.
 */
size_t request_answer(const char *text, size_t length, struct answer *answer);

/* Figures about the guest for Prometheus, to be freed; NULL without memory. */
char *metrics_text(void);

/* Counted by the server for the metrics. */
extern unsigned long httpd_requests, httpd_connections, httpd_refused;

/* Serve until something fails that cannot. Returns an exit status. */
int httpd_run(unsigned port);

#endif
