/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A block device as an open file, to be read from its beginning to its end.
 */
#include "fd.h"
#include <errno.h>
#include <neap/block.h>
#include <neap/kmalloc.h>
#include <neap/list.h>
#include <sys/stat.h>

struct block_file {
    struct file file;
    struct block_device *dev;
    uint64_t offset;
};

static ssize_t read_block(struct file *file, void *data, size_t size)
{
    struct block_file *block = container_of(file, struct block_file, file);
    int64_t got = block_read(block->dev, block->offset, data, size);

    block->offset += got > 0 ? (uint64_t)got : 0;
    return (ssize_t)got;
}

static ssize_t write_block(struct file *file, const void *data, size_t size)
{
    (void)file, (void)data, (void)size;
    return -EROFS;
}

static void nothing(struct file *file)
{
    (void)file;
}

static void release(struct file *file)
{
    kfree(container_of(file, struct block_file, file));
}

static const struct file_ops block_ops = {
    .read = read_block,
    .write = write_block,
    .close = nothing,
    .release = release,
    .mode = S_IFBLK | S_IRUSR,
};

int block_open(const char *name)
{
    struct block_device *dev = block_find(name);
    struct block_file *block;
    int fd;

    if (!dev)
        return -ENOENT;
    block = kcalloc(1, sizeof(*block), 0);
    if (!block)
        return -ENOMEM;
    file_init(&block->file, &block_ops);
    file_set_events(&block->file, POLLIN | POLLRDNORM);
    block->dev = dev;
    fd = fd_install(&block->file);
    if (fd < 0)
        kfree(block);
    return fd;
}
