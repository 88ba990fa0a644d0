/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files in the image, by path.
 */
#include "httpd.h"
#include <string.h>

extern const char index_html_start[], index_html_end[];

#define PAGE(path_, type_, name)                                               \
    {                                                                          \
        .path = path_, .type = type_, .start = name##_start, .end = name##_end \
    }

static struct packed_file pages[] = {
    PAGE("/", "text/html", index_html),
    PAGE("/index.html", "text/html", index_html),
};

struct packed_file *packed_file_find(const char *path, size_t length)
{
    if (site_is_open())
        return site_find(path, length);
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (strlen(pages[i].path) == length && memcmp(pages[i].path, path, length) == 0)
            return &pages[i];
    }
    return NULL;
}
