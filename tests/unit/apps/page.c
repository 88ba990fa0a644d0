/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What there is to serve: one page.
 */
#include "page.h"
#include "httpd.h"

const char page_text[] = PAGE_TEXT;

struct packed_file *packed_file_find(const char *path, size_t length)
{
    static struct packed_file page = {.path = "/",
                                      .type = "text/html",
                                      .start = page_text,
                                      .end = page_text + sizeof(page_text) - 1};

    return length == 1 && path[0] == '/' ? &page : NULL;
}

char *metrics_text(void)
{
    return NULL; /* no memory */
}
