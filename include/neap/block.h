/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block devices, for reading: a service finds its content there. Nothing is cached: who reads
 * keeps what it needs.
 */
#ifndef NEAP_BLOCK_H
#define NEAP_BLOCK_H

#include <neap/compiler.h>
#include <neap/list.h>
#include <stdint.h>

#define BLOCK_SECTOR_BYTES 512u

struct block_device {
    /* set by the driver */
    const char *name; /* "blk0": open() finds it as /dev/blk0 */
    uint64_t bytes;   /* its size; changes when the host changes it */
    /*
     * Read whole sectors to a buffer of the kernel's own or the application's; at most as many
     * bytes as fit behind the call's `bytes`. Returns how many were read, or -EIO. Thread
     * context.
     */
    int64_t (*read)(struct block_device *dev, uint64_t sector, void *buffer, uint64_t bytes);
    /* block_register()'s */
    struct list link;
};

/* Make a device known, for ever. Thread context. */
void block_register(struct block_device *dev);

/* The device of this name, or NULL. Any context. */
struct block_device *block_find(const char *name);

/*
 * Read `size` bytes from byte `offset` on. Returns how many there were before the end of the
 * device, or -EIO: the device says so, is being reset or was given up. Thread context.
 */
int64_t block_read(struct block_device *dev, uint64_t offset, void *buffer, uint64_t size);

#endif
