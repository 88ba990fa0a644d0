/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parsing one request of HTTP/1.0 or 1.1.
 */
#include "httpd.h"
#include <string.h>
#include <strings.h>

/* Header lines that matter. */
enum field {
    CONNECTION,
    IF_NONE_MATCH,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    NR_FIELDS,
};

static const struct {
    const char *text;
    size_t length;
} names[NR_FIELDS] = {
    [CONNECTION] = {"Connection", 10},
    [IF_NONE_MATCH] = {"If-None-Match", 13},
    [CONTENT_LENGTH] = {"Content-Length", 14},
    [TRANSFER_ENCODING] = {"Transfer-Encoding", 17},
};

/* Where the line behind this one begins; NULL: this one has not ended yet. */
static const char *next_line(const char *line, const char *end)
{
    const char *at = line;

    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        at++;
        if (at - line > 1 && at[-2] == '\r')
            return at;
    }
    return NULL;
}

/* Keep the value of a line that matters, without the blanks before it. The first one counts. */
static void note_field(const char *line, const char *end, const char *values[NR_FIELDS])
{
    const char *colon = memchr(line, ':', (size_t)(end - line));

    for (unsigned i = 0; colon && i < NR_FIELDS; i++) {
        if ((size_t)(colon - line) == names[i].length && !values[i] &&
            strncasecmp(line, names[i].text, names[i].length) == 0)
            values[i] = colon + 1 + strspn(colon + 1, " \t");
    }
}

static bool wants_close(const char *value, bool http10)
{
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

/* The whole head is there. */
static void judge(const char *text, const char *line_end, const char *const values[NR_FIELDS],
                  struct http_request *request)
{
    char version = parse_line(text, line_end, request);

    if (!version)
        request->refusal = "400 Bad Request";
    else if (values[TRANSFER_ENCODING] || values[CONTENT_LENGTH])
        request->refusal = "413 Content Too Large";
    request->known = values[IF_NONE_MATCH];
    request->close = request->refusal || wants_close(values[CONNECTION], version == '0');
}

size_t http_parse(const char *text, size_t length, struct http_request *request)
{
    const char *values[NR_FIELDS] = {NULL};
    const char *end = text + (length < HTTP_HEAD_MAX ? length : HTTP_HEAD_MAX);
    const char *fields = next_line(text, end), *line = fields, *next;

    *request = (struct http_request){.refusal = NULL};
    if (!fields || fields - text > HTTP_LINE_MAX)
        return parse_part(text, length, request);
    while ((next = next_line(line, end)) && next - line > 2) {
        note_field(line, next, values);
        line = next;
    }
    if (!next)
        return parse_part(text, length, request);
    judge(text, fields - 2, values, request);
    return (size_t)(next - text);
}
