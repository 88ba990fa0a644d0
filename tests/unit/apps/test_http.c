/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The web server's requests and answers.
 */
#include "client.h"
#include "httpd.h"
#include "page.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GET "GET / HTTP/1.1\r\n"

static struct client client;

/* The status of the answer to one request; *over: the connection has ended. */
static int status_of(const char *request, bool *over)
{
    int status;

    client_open(&client, &http_service);
    client_send(&client, request, strlen(request), 0);
    status = client.length > 12 ? atoi(client.read + 9) : 0;
    *over = client.over;
    client_close(&client);
    return status;
}

TEST(http_statuses)
{
    static const struct {
        const char *request;
        int status;
        bool over;
    } cases[] = {
        {GET "\r\n", 200, false},
        {"GET /?query HTTP/1.1\r\n\r\n", 200, false},
        {"HEAD / HTTP/1.1\r\n\r\n", 200, false},
        {"GET / HTTP/1.0\r\n\r\n", 200, true},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 200, false},
        {GET "connection: \t close\r\n\r\n", 200, true},
        {GET "Connection: close\r\nConnection: keep-alive\r\n\r\n", 200, true},
        {GET "Not: Connection: close\r\n\r\n", 200, false},
        {GET "Connections: close\r\n\r\n", 200, false},
        {GET "X: a\nConnection: close\r\n\r\n", 200, false},
        {"GET /none HTTP/1.1\r\n\r\n", 404, false},
        {"GET /metrics HTTP/1.1\r\n\r\n", 503, false},
        {"POST / HTTP/1.1\r\n\r\n", 405, true},
        {"GET / HTTP/2.0\r\n\r\n", 400, true},
        {"GET / HTTP/1.10\r\n\r\n", 400, true},
        {"GET http://neap/ HTTP/1.1\r\n\r\n", 400, true},
        {"GET /\r\n\r\n", 400, true},
        {"\r\n\r\n", 400, true},
        {"GET  / HTTP/1.1\r\n\r\n", 400, true},
        {GET "Content-Length: 3\r\n\r\nabc", 413, true},
        {GET "Transfer-Encoding: chunked\r\n\r\n", 413, true},
        {GET, 0, false},
        {GET "\n\n", 0, false},
    };
    bool over;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int status = status_of(cases[i].request, &over);

        if (status != cases[i].status || over != cases[i].over)
            unit_fail(__FILE__, __LINE__, "'%s' is answered with %d%s", cases[i].request,
                      status, over ? " and ended" : "");
    }
}

TEST(http_limits)
{
    char *text = malloc(100000);
    bool over;

    memset(text, 'x', 100000);
    memcpy(text, "GET /", 5);
    strcpy(text + 3000, " HTTP/1.1\r\n\r\n");
    CHECK_EQ(status_of(text, &over), 414);
    memset(text, 'x', 100000);
    text[99999] = '\0';
    CHECK_EQ(status_of(text, &over), 414);
    memcpy(text, GET "X: ", strlen(GET) + 3);
    CHECK_EQ(status_of(text, &over), 431);
    CHECK(over);
    strcpy(text + HTTP_HEAD_MAX, "\r\n\r\n");
    CHECK_EQ(status_of(text, &over), 431);
    strcpy(text + HTTP_HEAD_MAX - 10, "\r\n\r\n");
    CHECK_EQ(status_of(text, &over), 200);
    free(text);
}

TEST(http_one_answer_after_the_other)
{
    const char *next;

    client_open(&client, &http_service);
    for (int i = 0; i < 100; i++)
        client_send(&client, GET "\r\n", strlen(GET) + 2, 0);
    next = client.read;
    for (int i = 0; i < 100; i++) {
        next = strstr(next, page_text);
        CHECK(next);
        next += strlen(page_text);
    }
    CHECK_EQ(*next, '\0');
}

TEST(http_not_twice_the_same)
{
    char request[256], tag[32] = "";
    bool over;

    client_open(&client, &http_service);
    client_send(&client, "HEAD / HTTP/1.1\r\n\r\n", 19, 0);
    CHECK(!strstr(client.read, page_text));
    memcpy(tag, strstr(client.read, "ETag: ") + 6, 18);
    client_close(&client);
    snprintf(request, sizeof(request), GET "If-None-Match: \"x\", %s\r\n\r\n", tag);
    CHECK_EQ(status_of(request, &over), 304);
    snprintf(request, sizeof(request), GET "If-None-Match: \"x\"\r\nY: %s\r\n\r\n", tag);
    CHECK_EQ(status_of(request, &over), 200);
    CHECK_EQ(status_of(GET "If-None-Match: *\r\n\r\n", &over), 304);
}

TEST(http_survives_noise)
{
    static const char *const parts[] = {GET,
                                        "HEAD / HTTP/1.0\r\n",
                                        "\r\n",
                                        "\r\n\r\n",
                                        "Connection: close\r\n",
                                        "If-None-Match: ",
                                        "\"",
                                        ":",
                                        " ",
                                        "\r",
                                        "\n",
                                        "GET /metrics HTTP/1.1\r\n"};

    for (int i = 0; i < 20000; i++) {
        client_open(&client, &http_service);
        for (int part = 0; part < 20 && !client.over; part++) {
            const char *text = parts[unit_random_below(ARRAY_SIZE(parts))];
            char byte = (char)unit_random();

            client_send(&client, text, strlen(text), 0);
            if (unit_random_below(10) == 0)
                client_send(&client, &byte, 1, 0);
        }
        client_close(&client);
    }
}
