/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parsing one request of HTTP/1.0 or 1.1.
 */
#define _GNU_SOURCE 1 /* memmem() */
#include "httpd.h"
#include <string.h>
#include <strings.h>

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

/* "METHOD path HTTP/1.x". Returns the version's last digit, 0 for nonsense. */
static char parse_line(const char *text, const char *line_end, struct http_request *request)
{
    const char *path = memchr(text, ' ', (size_t)(line_end - text));
    const char *version = path ? memchr(path + 1, ' ', (size_t)(line_end - path - 1)) : NULL;
    const char *query;

    if (!version || line_end - version != 9 || memcmp(version + 1, "HTTP/1.", 7) != 0 ||
        path[1] != '/')
        return '\0';
    request->path = path + 1;
    request->path_length = (size_t)(version - path - 1);
    query = memchr(request->path, '?', request->path_length);
    if (query)
        request->path_length = (size_t)(query - request->path);
    request->head_only = strncmp(text, "HEAD ", 5) == 0;
    if (!request->head_only && strncmp(text, "GET ", 4) != 0)
        request->refusal = "405 Method Not Allowed";
    return version[8];
}

/* What can be said before the head has ended. Returns 0 to wait for the rest. */
static size_t parse_part(const char *text, size_t length, struct http_request *request)
{
    if (length >= HTTP_HEAD_MAX)
        request->refusal = "431 Request Header Fields Too Large";
    if (length >= HTTP_LINE_MAX && !memchr(text, '\n', HTTP_LINE_MAX))
        request->refusal = "414 URI Too Long";
    request->close = true;
    return request->refusal ? length : 0;
}

size_t http_parse(const char *text, size_t length, struct http_request *request)
{
    const char *end = memmem(text, length, "\r\n\r\n", 4), *line_end;
    char version;

    *request = (struct http_request){.refusal = NULL};
    if (!end || end + 4 - text > HTTP_HEAD_MAX)
        return parse_part(text, length, request);
    end += 4;
    line_end = memmem(text, (size_t)(end - text), "\r\n", 2);
    if (line_end + 2 - text > HTTP_LINE_MAX)
        return parse_part(text, length, request);
    version = parse_line(text, line_end, request);
    if (!version) {
        request->refusal = "400 Bad Request";
    } else if (header(text, end, "Transfer-Encoding") || header(text, end, "Content-Length")) {
        request->refusal = "413 Content Too Large";
    }
    request->known = header(text, end, "If-None-Match");
    request->close = request->refusal || wants_close(text, end, version == '0');
    return (size_t)(end - text);
}
