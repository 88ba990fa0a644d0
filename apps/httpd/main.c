/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The web server as an application of its own: `httpd [port]`.
 */
#include "httpd.h"
#include <stdlib.h>

#define PORT 80

int main(int argc, char **argv)
{
    return httpd_run(argc > 1 ? (unsigned)atoi(argv[1]) : PORT);
}
