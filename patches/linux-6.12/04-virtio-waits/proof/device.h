/* SPDX-License-Identifier: GPL-2.0 */
/* A virtqueue with one buffer, and a device behind it whose next move each test decides. */
#ifndef PROOF_DEVICE_H
#define PROOF_DEVICE_H

#include <kernel.h>

struct device {
    int unused;
};
struct virtqueue;
struct virtio_device {
    struct device dev;
    struct virtqueue *vq;
};
struct scatterlist {
    void *address;
    size_t length;
};
struct virtqueue {
    struct virtio_device *vdev;
    bool broken;
    void *token; /* of the buffer that the device holds */
    struct scatterlist in;
    bool used;
    unsigned int used_length;
    int added, kicks;
};

/* What the device does after a kick, one step a call; returns whether it interrupted. */
static bool (*device_step)(struct virtqueue *vq);
static struct virtqueue queue;

static inline bool step_device(void)
{
    return device_step && device_step(&queue);
}
static inline void sg_init_one(struct scatterlist *sg, void *address, size_t length)
{
    *sg = (struct scatterlist){address, length};
}
static inline int queue_buffer(struct virtqueue *vq, void *token)
{
    if (vq->broken)
        return -EIO;
    vq->token = token;
    vq->used = false;
    vq->added++;
    return 0;
}
static inline int virtqueue_add_sgs(struct virtqueue *vq, struct scatterlist *sgs[],
                                    unsigned int out, unsigned int in, void *token, gfp_t gfp)
{
    vq->in = *sgs[out];
    return queue_buffer(vq, token);
}
static inline int virtqueue_add_outbuf(struct virtqueue *vq, struct scatterlist *sg,
                                       unsigned int count, void *token, gfp_t gfp)
{
    return queue_buffer(vq, token);
}
#define virtqueue_add_inbuf virtqueue_add_outbuf
static inline bool virtqueue_kick(struct virtqueue *vq)
{
    vq->kicks++;
    return true;
}
static inline void *virtqueue_get_buf(struct virtqueue *vq, unsigned int *length)
{
    void *token = vq->token;

    if (vq->broken || !vq->used)
        return NULL;
    vq->used = false;
    vq->token = NULL;
    *length = vq->used_length;
    return token;
}
static inline bool virtqueue_is_broken(const struct virtqueue *vq)
{
    return vq->broken;
}
/* The device gives the buffer back and says that it wrote this much. */
static inline bool give_back(struct virtqueue *vq, unsigned int length)
{
    vq->used = vq->token;
    vq->used_length = length;
    device_step = NULL;
    return true;
}
/* The queue breaks: nobody is woken up. */
static inline bool break_queue(struct virtqueue *vq)
{
    vq->broken = true;
    device_step = NULL;
    return false;
}
/* A bad used entry: the interrupt still comes, and the next look at the ring breaks the queue.
 */
static inline bool break_queue_with_interrupt(struct virtqueue *vq)
{
    break_queue(vq);
    return true;
}

#endif
