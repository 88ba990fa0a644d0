/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The web server's site: an archive that is whole, cut short, damaged or no archive at all.
 */
#define open  device_open
#define read  device_read
#define close device_close

#include <stddef.h>
#include <sys/types.h>

static int device_open(const char *path, int flags, ...);
static ssize_t device_read(int fd, void *data, size_t size);
static int device_close(int fd);

#include "site.c"
#include "unit.h"

static struct {
    char bytes[1 << 16];
    size_t length, offset;
    size_t at_most; /* bytes of one read */
    bool is_open;
} device;

static int device_open(const char *path, int flags, ...)
{
    CHECK_EQ(strcmp(path, "/dev/blk0"), 0);
    CHECK_EQ(flags, O_RDONLY);
    device.is_open = device.length > 0;
    return device.is_open ? 7 : -1;
}

static ssize_t device_read(int fd, void *data, size_t size)
{
    size_t left = device.length - device.offset;

    CHECK(fd == 7 && device.is_open);
    size = size < left ? size : left;
    if (device.at_most && size > device.at_most)
        size = device.at_most;
    memcpy(data, device.bytes + device.offset, size);
    device.offset += size;
    return (ssize_t)size;
}

static int device_close(int fd)
{
    CHECK(fd == 7);
    device.is_open = false;
    return 0;
}

static void sign(char *header)
{
    unsigned sum = 0;

    memset(header + 148, ' ', 8);
    for (unsigned i = 0; i < TAR_BLOCK; i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
}

static void add(const char *prefix, const char *name, char type, const char *text)
{
    char *header = device.bytes + device.length;

    memcpy(header, name, strnlen(name, 100));
    memcpy(header + 345, prefix, strlen(prefix));
    snprintf(header + 124, 12, "%011o", (unsigned)strlen(text));
    header[156] = type;
    memcpy(header + 257, "ustar", 6);
    sign(header);
    memcpy(header + TAR_BLOCK, text, strlen(text));
    device.length += TAR_BLOCK + (strlen(text) + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

static void make_archive(void)
{
    add("", "./", '5', "");
    add("", "./index.html", '0', "home");
    add("", "b.css", '\0', "style");
    add("docs", "index.html", '0', "documents");
    add("", "link", '2', "");
    add("", "/empty.js", '0', "");
    device.length += 2 * TAR_BLOCK;
}

static bool serves(const char *path, const char *text, const char *type)
{
    const struct packed_file *page = site_find(path, strlen(path));

    return page && (size_t)(page->end - page->start) == strlen(text) &&
           memcmp(page->start, text, strlen(text)) == 0 && strcmp(page->type, type) == 0;
}

TEST_CASES(site_pages, 3)
{
    device.at_most = test_case == 1 ? 1 : test_case == 2 ? 500 : 0;
    make_archive();
    site_open();
    CHECK(!device.is_open && site_is_open());
    CHECK(serves("/", "home", "text/html"));
    CHECK(serves("/index.html", "home", "text/html"));
    CHECK(serves("/b.css", "style", "text/css"));
    CHECK(serves("/docs/", "documents", "text/html"));
    CHECK(serves("/docs/index.html", "documents", "text/html"));
    CHECK(serves("/empty.js", "", "text/javascript"));
    CHECK(!site_find("/docs", 5));
    CHECK(!site_find("/link", 5));
    CHECK(!site_find("/b.cs", 5));
    CHECK(!site_find("/b.css\0 and more", 15));
    CHECK(!site_find("", 0));
}

TEST(site_without_a_device)
{
    site_open();
    CHECK(!site_is_open());
    CHECK(!site_find("/", 1));
}

/* What came before the end is served. */
TEST_CASES(site_cut_short, 12)
{
    make_archive();
    device.length = (test_case + 1) * TAR_BLOCK - test_case % 2 * 100;
    site_open();
    CHECK(site_is_open() == (test_case >= 2));
    CHECK(!site_is_open() || serves("/", "home", "text/html"));
}

TEST(site_of_a_damaged_archive)
{
    make_archive();
    device.bytes[5 * TAR_BLOCK + 505] ^= 1; /* in front of docs/index.html, where nothing is */
    site_open();
    CHECK(serves("/b.css", "style", "text/css"));
    CHECK(!site_find("/docs/", 6));
}

TEST(site_longest_name)
{
    char prefix[156], name[101], path[258];

    memset(prefix, 'p', 155);
    memset(name, 'n', 100);
    prefix[155] = name[100] = '\0';
    snprintf(path, sizeof(path), "/%s/%s", prefix, name);
    add(prefix, name, '0', "far");
    site_open();
    CHECK(serves(path, "far", "application/octet-stream"));
}

TEST(site_size_beyond_all_memory)
{
    add("", "large", '0', "");
    memcpy(device.bytes + 124, "77777777777", 12);
    sign(device.bytes);
    site_open();
    CHECK(!site_is_open());
}

/* Nothing of this may reach beyond a buffer. */
TEST_CASES(site_of_noise, 200)
{
    make_archive();
    for (unsigned i = 0; i < 20; i++) {
        unsigned block = (unsigned)unit_random_below(device.length / TAR_BLOCK);
        char *header = device.bytes + block * TAR_BLOCK;

        header[unit_random_below(TAR_BLOCK)] = (char)unit_random();
        if (header[257] == 'u')
            sign(header);
    }
    site_open();
    (void)site_find("/", 1);
}
