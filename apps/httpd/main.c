/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The web server as an application of its own: `httpd [port]`.
 */
#include "httpd.h"
#include <stdlib.h>

int main(int argc, char **argv)
{
    site_open();
    if (httpd_open(argc > 1 ? (unsigned)atoi(argv[1]) : HTTP_PORT))
        return EXIT_FAILURE;
    server_run(&http_server);
}
