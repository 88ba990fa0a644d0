// SPDX-License-Identifier: GPL-2.0
/*
 * vdpa_sim_net with a model of the rings. Each queue is a list of buffers that a driver made
 * available; the model counts how often each comes back, with which used length and which data.
 * The simulator's functions are the kernel's own text.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#include "check.h"

#define RX       0
#define TX       1
#define CONTROL  2
#define QUEUES   3
#define BUFFERS  8
#define UNMAPPED 0xffffu /* a buffer length: no IOTLB entry covers it */
#define HEADER   sizeof(struct virtio_net_hdr_v1)

struct buffer {
    u8 readable[64];
    u8 written[64];
    unsigned int readable_length, writable_length;
    unsigned int completions;
    u32 used_length;
};

struct vringh {
    struct buffer buffers[BUFFERS];
    unsigned int available, taken;
};

struct vringh_kiov {
    struct buffer *buffer;
    unsigned int position;
};

struct u64_stats_sync {
    int unused;
};

struct mutex {
    int unused;
};

struct vdpasim_virtqueue;

struct vdpasim {
    struct vdpasim_virtqueue *vqs;
    struct mutex mutex;
    void *config;
    u32 status;
    u64 features;
    bool running;
};

static bool rescheduled;

static void vdpasim_schedule_work(struct vdpasim *vdpasim)
{
    (void)vdpasim;
    rescheduled = true;
}

#define mutex_lock(lock)              ((void)(lock))
#define mutex_unlock(lock)            ((void)(lock))
#define local_bh_disable()            ((void)0)
#define local_bh_enable()             ((void)0)
#define u64_stats_update_begin(sync)  ((void)(sync))
#define u64_stats_update_end(sync)    ((void)(sync))
#define vringh_kiov_cleanup(iov)      ((void)(iov))
#define vringh_need_notify_iotlb(vrh) ((void)(vrh), 0)
#define vringh_notify(vrh)            ((void)(vrh))

static bool is_multicast_ether_addr(const u8 *address)
{
    return address[0] & 1;
}

static bool is_broadcast_ether_addr(const u8 *address)
{
    return !memcmp(address, "\xff\xff\xff\xff\xff\xff", ETH_ALEN);
}

static bool ether_addr_equal(const u8 *one, const u8 *two)
{
    return !memcmp(one, two, ETH_ALEN);
}

static int vringh_getdesc_iotlb(struct vringh *vrh, struct vringh_kiov *read,
                                struct vringh_kiov *write, u16 *head, gfp_t gfp)
{
    (void)gfp;
    if (vrh->taken == vrh->available)
        return 0;
    *head = vrh->taken++;
    if (read)
        *read = (struct vringh_kiov){&vrh->buffers[*head], 0};
    if (write)
        *write = (struct vringh_kiov){&vrh->buffers[*head], 0};
    return 1;
}

static ssize_t vringh_iov_pull_iotlb(struct vringh *vrh, struct vringh_kiov *iov, void *into,
                                     size_t length)
{
    unsigned int left = iov->buffer->readable_length - iov->position;

    (void)vrh;
    if (iov->buffer->readable_length == UNMAPPED)
        return -EFAULT;
    length = min(length, left);
    memcpy(into, iov->buffer->readable + iov->position, length);
    iov->position += length;
    return length;
}

static ssize_t vringh_iov_push_iotlb(struct vringh *vrh, struct vringh_kiov *iov,
                                     const void *from, size_t length)
{
    unsigned int left = iov->buffer->writable_length - iov->position;

    (void)vrh;
    if (iov->buffer->writable_length == UNMAPPED)
        return -EFAULT;
    length = min(length, left);
    memcpy(iov->buffer->written + iov->position, from, length);
    iov->position += length;
    return length;
}

static int vringh_complete_iotlb(struct vringh *vrh, u16 head, u32 length)
{
    vrh->buffers[head].completions++;
    vrh->buffers[head].used_length = length;
    return 0;
}

#include "extracted.inc"

static struct vdpasim_virtqueue queues[QUEUES];
static struct virtio_net_config config;
static struct vdpasim_net net;
static u8 frame_buffer[PAGE_SIZE] __attribute__((aligned(8)));
static const u8 own_address[ETH_ALEN] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
static const u8 near_address[ETH_ALEN] = {0x52, 0x54, 0x00, 0x65, 0x43, 0x21};

static void start(void)
{
    memset(queues, 0, sizeof(queues));
    memset(&net, 0, sizeof(net));
    memcpy(config.mac, own_address, ETH_ALEN);
    net.buffer = frame_buffer;
    net.vdpasim.vqs = queues;
    net.vdpasim.config = &config;
    net.vdpasim.running = true;
    net.vdpasim.status = VIRTIO_CONFIG_S_DRIVER_OK;
    net.vdpasim.features = 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_NET_F_CTRL_VQ;
    for (int i = 0; i < QUEUES; i++)
        queues[i].ready = true;
    rescheduled = false;
}

static struct buffer *add(int queue, const void *data, unsigned int readable,
                          unsigned int writable)
{
    struct vringh *ring = &queues[queue].vring;
    struct buffer *buffer = &ring->buffers[ring->available++];

    if (readable != UNMAPPED && readable)
        memcpy(buffer->readable, data, readable);
    buffer->readable_length = readable;
    buffer->writable_length = writable;
    return buffer;
}

static struct buffer *send(const u8 *destination)
{
    u8 frame[HEADER + 14] = {0};

    memcpy(frame + HEADER, destination, ETH_ALEN);
    return add(TX, frame, sizeof(frame), 0);
}

static struct buffer *request(u8 class, unsigned int length, unsigned int writable)
{
    u8 data[2 + ETH_ALEN] = {class, VIRTIO_NET_CTRL_MAC_ADDR_SET};

    memcpy(data + 2, own_address, ETH_ALEN);
    return add(CONTROL, data, length, writable);
}

static void run(void)
{
    vdpasim_net_work(&net.vdpasim);
}

static bool answered(const struct buffer *buffer, u8 status)
{
    return buffer->completions == 1 && buffer->used_length == 1 && buffer->written[0] == status;
}

static void frames(void)
{
    struct buffer *tx, *rx, *second_tx, *second_rx;

    start();
    tx = send(own_address);
    rx = add(RX, NULL, 0, 64);
    run();
    check(tx->completions == 1 && rx->completions == 1 && rx->used_length == HEADER + 14,
          "still a frame for the own address is delivered");

    start();
    tx = send(near_address);
    rx = add(RX, NULL, 0, 64);
    run();
    check(tx->completions == 1 && rx->completions == 0,
          "a frame for another address of the same vendor is dropped");

    start();
    tx = send((const u8[]){0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
    rx = add(RX, NULL, 0, 64);
    run();
    check(rx->completions == 1, "still a broadcast frame is delivered");

    start();
    tx = send(own_address);
    rx = add(RX, NULL, 0, UNMAPPED);
    second_tx = send(own_address);
    second_rx = add(RX, NULL, 0, 64);
    run();
    check(tx->completions == 1 && rx->completions == 1 && rx->used_length == 0 &&
              net.rx_stats.errors == 1,
          "both buffers come back when receiving fails");
    check(second_tx->completions == 1 && second_rx->completions == 1,
          "a frame behind a failed one is delivered in the same run");

    start();
    for (int i = 0; i < BUFFERS; i++) {
        send(own_address);
        add(RX, NULL, 0, UNMAPPED);
    }
    run();
    check(queues[TX].vring.taken <= 5,
          "still one run handles five frames at most, failed ones too");
}

static void requests(void)
{
    struct buffer *good, *other;

    start();
    good = request(VIRTIO_NET_CTRL_MAC, 8, 1);
    other = request(0x7f, 8, 1);
    run();
    check(answered(good, VIRTIO_NET_OK), "still an address is set");
    check(answered(other, VIRTIO_NET_ERR) && net.cq_stats.successes == 1 &&
              net.cq_stats.errors == 1,
          "an unknown class after a good request is refused");

    start();
    other = request(VIRTIO_NET_CTRL_MAC, 1, 1);
    good = request(VIRTIO_NET_CTRL_MAC, 8, 1);
    run();
    check(answered(other, VIRTIO_NET_ERR), "a request with a short header comes back");
    check(answered(good, VIRTIO_NET_OK),
          "a request behind a short one is served in the same run");

    start();
    other = request(VIRTIO_NET_CTRL_MAC, UNMAPPED, 1);
    run();
    check(answered(other, VIRTIO_NET_ERR), "a request whose header cannot be read comes back");

    start();
    other = request(VIRTIO_NET_CTRL_MAC, 8, UNMAPPED);
    run();
    check(other->completions == 1 && other->used_length == 0,
          "a status that cannot be written is reported as nothing written");
}

int main(void)
{
    frames();
    requests();
    return checks_end();
}
