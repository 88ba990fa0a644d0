/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block device (virtio 1.4, 5.2), for reading. One request at a time, through a buffer of
 * our own: what the application reads into may be moved while the device works.
 */
#include <neap/alloc.h>
#include <neap/block.h>
#include <neap/endian.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/kmalloc.h>
#include <neap/log.h>
#include <neap/page.h>
#include <neap/virtio.h>
#include <string.h>

enum { BLK_F_SIZE_MAX = 1, BLK_F_RO = 5 };

#define CONFIG_CAPACITY 0 /* sectors */
#define CONFIG_SIZE_MAX 8 /* bytes of a piece */

#define BUFFER_ORDER 4
#define BUFFER_BYTES (PAGE_SIZE << BUFFER_ORDER)

enum { REQUEST_IN = 0 };
enum { STATUS_OK = 0, STATUS_NONE = 0xff };

/* What the device reads and writes besides the data. */
struct blk_request {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
    uint8_t status;
};
#define HEADER_BYTES 16

struct blk {
    struct block_device block;
    struct virtio_device *dev;
    char name[8];
    struct mutex lock;       /* one request at a time; taken by who takes the queue away */
    struct virtqueue *queue; /* under lock; NULL: the device is being reset, or was given up */
    struct waitqueue answers;
    struct blk_request *request; /* under lock, and the device's while it works */
    struct page *buffer;         /* the same */
    unsigned piece_max;          /* bytes */
};

/* Under the lock: have the device fill the buffer. */
static int fill(struct blk *blk, uint64_t sector, uint32_t bytes)
{
    const struct virtio_sg sg[] = {
        {virt_to_phys(blk->request), HEADER_BYTES},
        {page_to_phys(blk->buffer), bytes},
        {virt_to_phys(&blk->request->status), 1},
    };
    uint32_t length = 0;
    int error;

    *blk->request = (struct blk_request){le32(REQUEST_IN), 0, le64(sector), STATUS_NONE};
    error = virtqueue_add(blk->queue, sg, 1, 2, blk);
    if (error)
        return error;
    virtqueue_kick(blk->queue);
    error = virtqueue_wait(blk->queue, &blk->answers);
    if (error || !virtqueue_take(blk->queue, &length))
        return -EIO;
    if (READ_ONCE(blk->request->status) == STATUS_OK && length == bytes + 1)
        return 0;
    if (blk->request->status == STATUS_OK || blk->request->status == STATUS_NONE)
        virtio_device_misbehaved(blk->dev, "its answer to a read is not whole");
    else
        log_error("blk", "%s: sector %llu cannot be read: the device says %u", blk->dev->name,
                  (unsigned long long)sector, blk->request->status);
    return -EIO;
}

static int64_t read_sectors(struct block_device *block, uint64_t sector, void *buffer,
                            uint64_t bytes)
{
    struct blk *blk = container_of(block, struct blk, block);
    int error = -EIO;

    mutex_lock(&blk->lock);
    bytes = MIN(bytes, blk->piece_max);
    if (blk->queue)
        error = fill(blk, sector, (uint32_t)bytes);
    if (!error)
        memcpy(buffer, page_to_virt(blk->buffer), bytes);
    mutex_unlock(&blk->lock);
    return error ? -EIO : (int64_t)bytes;
}

static int read_capacity(struct blk *blk, struct virtio_device *dev)
{
    uint64_t sectors;
    int error = virtio_config_get(dev, CONFIG_CAPACITY, 8, &sectors);

    if (!error && sectors > UINT64_MAX / BLOCK_SECTOR_BYTES)
        error = -EINVAL;
    if (error)
        log_error("blk", "%s: its capacity makes no sense", dev->name);
    else
        WRITE_ONCE(blk->block.bytes, sectors * BLOCK_SECTOR_BYTES);
    return error;
}

/* How much it takes in one piece: some of the buffer, in whole sectors. */
static int read_piece_max(struct blk *blk, struct virtio_device *dev)
{
    uint64_t piece_max = BUFFER_BYTES;
    int error = 0;

    if (virtio_accepted(dev, BLK_F_SIZE_MAX))
        error = virtio_config_get(dev, CONFIG_SIZE_MAX, 4, &piece_max);
    if (!error && piece_max < BLOCK_SECTOR_BYTES)
        error = -EINVAL;
    if (error)
        log_error("blk", "%s: takes no whole sector in one piece", dev->name);
    blk->piece_max = (unsigned)MIN(piece_max - piece_max % BLOCK_SECTOR_BYTES, BUFFER_BYTES);
    return error;
}

static void callback(struct virtqueue *queue UNUSED, void *arg)
{
    wake_all(&((struct blk *)arg)->answers);
}

static struct blk *blk_create(struct virtio_device *dev)
{
    static unsigned number;
    struct blk *blk = kcalloc(1, sizeof(*blk), 0);

    if (!blk)
        return NULL;
    blk->request = kcalloc(1, sizeof(*blk->request), 0);
    blk->buffer = alloc_pages(BUFFER_ORDER, PAGE_KERNEL, ALLOC_DEFAULT);
    if (!blk->request || !blk->buffer) {
        kfree(blk->request);
        if (blk->buffer)
            free_pages(blk->buffer, BUFFER_ORDER);
        kfree(blk);
        return NULL;
    }
    format_string(blk->name, sizeof(blk->name), "blk%u", number++);
    blk->dev = dev;
    blk->block.name = blk->name;
    blk->block.read = read_sectors;
    mutex_init(&blk->lock, "block device", LOCK_RANK_DRIVER);
    waitqueue_init(&blk->answers, "block device");
    block_register(&blk->block);
    return blk;
}

static int blk_probe(struct virtio_device *dev)
{
    struct blk *blk = dev->driver_data;
    struct virtio_queue_request wish = {
        .name = "requests", .callback = callback, .max_size = 4, .max_pieces = 3};
    int error;

    if (!blk)
        blk = dev->driver_data = blk_create(dev);
    if (!blk)
        return -ENOMEM;
    wish.arg = blk;
    error = read_capacity(blk, dev);
    if (!error)
        error = read_piece_max(blk, dev);
    if (!error)
        error = virtio_find_queues(dev, &wish, 1);
    if (error)
        return error;
    virtio_device_ready(dev);
    mutex_lock(&blk->lock);
    blk->queue = wish.queue;
    mutex_unlock(&blk->lock);
    return 0;
}

/* The host made it larger or smaller. */
static void blk_config_changed(struct virtio_device *dev)
{
    (void)read_capacity(dev->driver_data, dev);
}

/* A read that is under way has ended, because the queue is broken. */
static void blk_remove(struct virtio_device *dev)
{
    struct blk *blk = dev->driver_data;

    mutex_lock(&blk->lock);
    (void)virtqueue_detach(blk->queue);
    blk->queue = NULL;
    mutex_unlock(&blk->lock);
}

static const int blk_features[] = {BLK_F_SIZE_MAX, BLK_F_RO, -1};

static const struct virtio_driver blk_driver = {
    .name = "blk",
    .device_id = VIRTIO_ID_BLOCK,
    .features = blk_features,
    .probe = blk_probe,
    .config_changed = blk_config_changed,
    .remove = blk_remove,
};

VIRTIO_DRIVER(blk_driver);
