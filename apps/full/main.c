/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The prompt with the services beside it, each in a thread of its own. The arguments are the
 * cache's.
 */
#include "../cache/cache.h"
#include "../httpd/httpd.h"
#include "../shell/prompt.h"
#include <neap/app_thread.h>
#include <stdio.h>

static void start(struct server *server)
{
    if (app_thread_start(server->service->name, server_run, server))
        printf("%s: no memory for its thread\n", server->service->name);
}

int main(int argc, char **argv)
{
    site_open();
    if (httpd_open(HTTP_PORT) == 0)
        start(&http_server);
    if (cache_open(argc, argv) == 0)
        start(&cache_server);
    return prompt_run();
}
