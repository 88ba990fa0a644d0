/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The prompt with the services beside it, each in a thread of its own.
 */
#include "../httpd/httpd.h"
#include "../shell/prompt.h"
#include <neap/app_thread.h>
#include <stdio.h>

#define HTTP_PORT 80

static void serve_http(void *arg)
{
    (void)arg;
    (void)httpd_run(HTTP_PORT);
}

int main(void)
{
    if (app_thread_start("httpd", serve_http, NULL))
        printf("no memory for the web server\n");
    return prompt_run();
}
