/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block devices by name, and reads of any length from any place.
 */
#include <neap/block.h>
#include <string.h>

/* Only grows, at start-up: walked without a lock. */
static struct list devices = LIST_INIT(devices);

void block_register(struct block_device *dev)
{
    list_push_back(&devices, &dev->link);
}

struct block_device *block_find(const char *name)
{
    struct list *pos;

    list_for_each (pos, &devices) {
        struct block_device *dev = list_entry(pos, struct block_device, link);

        if (strcmp(dev->name, name) == 0)
            return dev;
    }
    return NULL;
}

/* A part of one sector. */
static int64_t read_part(struct block_device *dev, uint64_t offset, void *buffer, uint64_t size)
{
    uint8_t sector[BLOCK_SECTOR_BYTES];
    unsigned skip = offset % BLOCK_SECTOR_BYTES;
    int64_t got = dev->read(dev, offset / BLOCK_SECTOR_BYTES, sector, sizeof(sector));

    if (got < 0)
        return got;
    size = size < sizeof(sector) - skip ? size : sizeof(sector) - skip;
    memcpy(buffer, sector + skip, size);
    return (int64_t)size;
}

int64_t block_read(struct block_device *dev, uint64_t offset, void *buffer, uint64_t size)
{
    const uint64_t end = READ_ONCE(dev->bytes);
    uint64_t done = 0;

    if (offset >= end)
        return 0;
    size = size < end - offset ? size : end - offset;
    while (done < size) {
        uint64_t at = offset + done, left = size - done;
        uint8_t *where = (uint8_t *)buffer + done;
        int64_t got;

        if (at % BLOCK_SECTOR_BYTES || left < BLOCK_SECTOR_BYTES)
            got = read_part(dev, at, where, left);
        else
            got = dev->read(dev, at / BLOCK_SECTOR_BYTES, where,
                            left - left % BLOCK_SECTOR_BYTES);
        if (got < 0)
            return got;
        done += (uint64_t)got;
    }
    return (int64_t)done;
}
