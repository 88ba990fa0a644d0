/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The site on a block device: an archive whose files are read into memory at the start.
 */
#include "httpd.h"
#include "tar.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVICE    "/dev/blk0"
#define PAGES_MAX 65536

static struct packed_file *pages; /* by path */
static size_t nr_pages, room;

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {".html", "text/html"},      {".htm", "text/html"},       {".css", "text/css"},
        {".js", "text/javascript"},  {".txt", "text/plain"},      {".json", "application/json"},
        {".svg", "image/svg+xml"},   {".png", "image/png"},       {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},     {".gif", "image/gif"},       {".webp", "image/webp"},
        {".ico", "image/x-icon"},    {".xml", "application/xml"}, {".wasm", "application/wasm"},
        {".pdf", "application/pdf"}, {".woff2", "font/woff2"},
    };
    const char *end = strrchr(path, '.');

    for (size_t i = 0; end && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(end, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

static bool add_page(const char *path, const char *start, size_t size)
{
    if (nr_pages == room) {
        size_t wanted = room ? 2 * room : 64;
        struct packed_file *more = realloc(pages, wanted * sizeof(*pages));

        if (!more)
            return false;
        pages = more;
        room = wanted;
    }
    path = nr_pages < PAGES_MAX ? strdup(path) : NULL;
    if (!path)
        return false;
    pages[nr_pages++] = (struct packed_file){
        .path = path, .type = type_of(path), .start = start, .end = start + size};
    return true;
}

/* The index of a folder is found by the folder's path, too. */
static bool add_folder(char *path, const char *start, size_t size)
{
    char *last = strrchr(path, '/') + 1;

    if (strcmp(last, "index.html") != 0)
        return true;
    *last = '\0';
    if (!add_page(path, start, size))
        return false;
    pages[nr_pages - 1].type = "text/html";
    return true;
}

/* All of it: reads give less now and then. */
static bool read_all(int fd, char *data, size_t size)
{
    while (size > 0) {
        ssize_t got = read(fd, data, size);

        if (got <= 0)
            return false;
        data += got;
        size -= (size_t)got;
    }
    return true;
}

static bool skip(int fd, uint64_t size)
{
    char block[TAR_BLOCK];

    for (; size > 0; size -= TAR_BLOCK)
        if (!read_all(fd, block, sizeof(block)))
            return false;
    return true;
}

/* Says why not. */
static const char *read_file(int fd, const struct tar_entry *entry)
{
    static const char no_room[] = "there is no memory for its path";
    uint64_t blocks = (entry->size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    char path[TAR_NAME_MAX + 2], *data = malloc(blocks + 1);
    const char *problem = NULL;

    if (!data)
        return "there is no memory for it: give the guest more";
    snprintf(path, sizeof(path), "/%s", entry->name);
    if (!read_all(fd, data, blocks))
        problem = "the archive ends before it does";
    else if (!add_page(path, data, entry->size))
        problem = no_room;
    else
        return add_folder(path, data, entry->size) ? NULL : no_room;
    free(data);
    return problem;
}

static const char *read_site(int fd, struct tar_entry *entry)
{
    char block[TAR_BLOCK];
    const char *problem = NULL;

    while (!problem) {
        enum tar_kind kind;

        if (!read_all(fd, block, sizeof(block)))
            return "the archive has no end";
        kind = tar_parse(block, entry);
        if (kind == TAR_END)
            return NULL;
        if (kind == TAR_BAD)
            return "this is no archive: make one with tar --format=ustar";
        if (kind == TAR_FILE)
            problem = read_file(fd, entry);
        else if (!skip(fd, (entry->size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK))
            problem = "the archive ends before it does";
    }
    return problem;
}

static int compare(const void *left, const void *right)
{
    return strcmp(((const struct packed_file *)left)->path,
                  ((const struct packed_file *)right)->path);
}

void site_open(void)
{
    struct tar_entry entry = {.name = ""};
    const char *problem;
    int fd = open(DEVICE, O_RDONLY);

    if (fd < 0)
        return; /* the page in the image is served */
    problem = read_site(fd, &entry);
    close(fd);
    if (problem)
        printf("httpd: %s, behind '%s': %s\n", DEVICE, entry.name, problem);
    if (nr_pages)
        qsort(pages, nr_pages, sizeof(*pages), compare);
    printf("httpd: %zu paths from %s\n", nr_pages, DEVICE);
}

struct packed_file *site_find(const char *path, size_t length)
{
    size_t low = 0, high = nr_pages;

    while (low < high) {
        size_t middle = (low + high) / 2;
        size_t have = strlen(pages[middle].path);
        int order = memcmp(pages[middle].path, path, have < length ? have : length);

        if (order == 0 && have == length)
            return &pages[middle];
        if (order < 0 || (order == 0 && have < length))
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool site_is_open(void)
{
    return nr_pages > 0;
}
