// SPDX-License-Identifier: GPL-2.0
/* In which order virtio_balloon talks to its device when it comes back from hibernation. */
#include <kernel.h>

#define PAGE_POISON 0xaa
typedef u32 __u32;
enum {
    VIRTIO_BALLOON_F_STATS_VQ,
    VIRTIO_BALLOON_F_FREE_PAGE_HINT,
    VIRTIO_BALLOON_F_REPORTING,
    VIRTIO_BALLOON_F_PAGE_POISON
};

struct virtqueue {
    int kicks_before_ready, kicks, buffers;
};
struct virtqueue_info {
    const char *name;
    void (*callback)(struct virtqueue *vq);
};
struct device {
    int unused;
};
struct virtio_device {
    struct device dev;
    void *priv;
};
struct scatterlist {
    int unused;
};
struct virtio_balloon {
    struct virtio_device *vdev;
    struct virtqueue *inflate_vq, *deflate_vq, *stats_vq, *free_page_vq, *reporting_vq;
    int stats[16];
};
struct virtio_balloon_config {
    u32 poison_val;
};

static bool ready, init_on_free, stats_broken;
static struct virtqueue queues[8];
static u32 poison;
static int poison_writes_before_ready;
static unsigned int features;

static void balloon_ack(struct virtqueue *vq)
{
}
static void stats_request(struct virtqueue *vq)
{
}
static bool virtio_has_feature(struct virtio_device *vdev, unsigned int feature)
{
    return features & (1u << feature);
}
static int virtio_find_vqs(struct virtio_device *vdev, unsigned int count,
                           struct virtqueue *vqs[], struct virtqueue_info info[], void *desc)
{
    for (unsigned int i = 0; i < count; i++)
        vqs[i] = info[i].name ? &queues[i] : NULL;
    return 0;
}
#define update_balloon_stats(vb)         1
#define sg_init_one(sg, address, length) ((void)(sg))
static int virtqueue_add_outbuf(struct virtqueue *vq, struct scatterlist *sg,
                                unsigned int count, void *token, gfp_t gfp)
{
    vq->buffers++;
    return stats_broken ? -EIO : 0;
}
static bool virtqueue_kick(struct virtqueue *vq)
{
    vq->kicks++;
    vq->kicks_before_ready += !ready;
    return true;
}
static void virtio_device_ready(struct virtio_device *vdev)
{
    ready = true;
}
#define want_init_on_free() init_on_free
#define virtio_cwrite_le(vdev, type, member, value) \
    (poison = *(value), poison_writes_before_ready += !ready)
#define towards_target(vb)        0
#define virtballoon_changed(vdev) ((void)0)
#define update_balloon_size(vb)   ((void)0)

#include "virtio_balloon.inc"

static struct virtio_device vdev;
static struct virtio_balloon balloon;
static int restore(unsigned int offered)
{
    memset(queues, 0, sizeof(queues));
    balloon = (struct virtio_balloon){.vdev = &vdev};
    vdev.priv = &balloon;
    features = offered;
    ready = false;
    poison = poison_writes_before_ready = 0;
    return virtballoon_restore(&vdev);
}
#define BIT(n) (1u << (n))

static bool no_kick_before_ready(void)
{
    expect(restore(BIT(VIRTIO_BALLOON_F_STATS_VQ)) == 0);
    expect(balloon.stats_vq->kicks_before_ready == 0);
    return true;
}
static bool stats_are_primed(void)
{
    expect(restore(BIT(VIRTIO_BALLOON_F_STATS_VQ)) == 0);
    expect(ready && balloon.stats_vq->buffers == 1 && balloon.stats_vq->kicks == 1);
    expect(restore(0) == 0 && ready);
    stats_broken = true;
    bool failed = restore(BIT(VIRTIO_BALLOON_F_STATS_VQ)) == -EIO && !ready;
    stats_broken = false;
    expect(failed);
    return true;
}
static bool poison_value_is_restored(void)
{
    expect(restore(BIT(VIRTIO_BALLOON_F_PAGE_POISON)) == 0);
    expect(poison == 0xaaaaaaaa && poison_writes_before_ready == 1);
    return true;
}
static bool no_poison_value_unasked(void)
{
    expect(restore(0) == 0 && poison == 0);
    init_on_free = true;
    expect(restore(BIT(VIRTIO_BALLOON_F_PAGE_POISON)) == 0 && poison == 0);
    init_on_free = false;
    return true;
}

int main(void)
{
    static const struct test tests[] = {
        {"balloon: no notification before DRIVER_OK", no_kick_before_ready},
        {"still balloon: the stats queue gets its buffer and its kick", stats_are_primed},
        {"balloon: the poison value is written again after a restore",
         poison_value_is_restored},
        {"still balloon: no poison value unless negotiated and poisoning",
         no_poison_value_unasked},
    };

    return run_tests(tests, ARRAY_SIZE(tests));
}
