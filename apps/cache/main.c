/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory cache as an application of its own.
 */
#include "cache.h"
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (cache_open(argc, argv))
        return EXIT_FAILURE;
    server_run(&cache_server);
}
