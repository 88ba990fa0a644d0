// SPDX-License-Identifier: GPL-2.0
/* virtio_balloon's waits and its worker against a device that is gone. */
#include "device.h"

typedef u16 __virtio16;
typedef u32 __virtio32;
typedef u64 __virtio64;
typedef int spinlock_t;
struct work_struct {
    int queued;
};
struct workqueue_struct;
struct list_head {
    struct list_head *next;
};
struct mutex {
    int unused;
};
struct balloon_dev_info {
    int unused;
};
struct notifier_block {
    int unused;
};
struct shrinker;
struct delayed_work {
    int unused;
};
struct page_reporting_dev_info {
    int unused;
};
struct virtio_balloon_stat {
    __virtio16 tag;
    __virtio64 val;
} __packed;
#define VIRTIO_BALLOON_S_NR 16
static void *system_freezable_wq;
#define queue_work(wq, work) ((work)->queued++)

struct virtio_balloon;
static s64 towards_target(struct virtio_balloon *vb);
static unsigned int fill_balloon(struct virtio_balloon *vb, size_t num);
static unsigned int leak_balloon(struct virtio_balloon *vb, size_t num);
static void update_balloon_size(struct virtio_balloon *vb);
static void process_wakeup_event(struct virtio_balloon *vb, u32 mask);
static void finish_wakeup_event(struct virtio_balloon *vb);

#include "virtio_balloon.inc"

static struct virtio_device vdev;
static struct virtio_balloon vb;
static s64 target;
static int filled, finished;

static s64 towards_target(struct virtio_balloon *unused)
{
    return target;
}
static unsigned int fill_balloon(struct virtio_balloon *unused, size_t num)
{
    filled++;
    return num > VIRTIO_BALLOON_ARRAY_PFNS_MAX ? VIRTIO_BALLOON_ARRAY_PFNS_MAX : num;
}
static unsigned int leak_balloon(struct virtio_balloon *unused, size_t num)
{
    return num;
}
static void update_balloon_size(struct virtio_balloon *unused)
{
}
static void process_wakeup_event(struct virtio_balloon *unused, u32 mask)
{
}
static void finish_wakeup_event(struct virtio_balloon *unused)
{
    finished++;
}

static void start(bool (*step)(struct virtqueue *))
{
    memset(&vb, 0, sizeof(vb));
    memset(&queue, 0, sizeof(queue));
    queue.vdev = &vdev;
    vb.vdev = &vdev;
    vb.inflate_vq = vb.deflate_vq = vb.reporting_vq = &queue;
    vb.num_pfns = 1;
    filled = finished = 0;
    device_step = step;
    other_side = step_device;
}
static bool take_buffer(struct virtqueue *vq)
{
    return give_back(vq, 0);
}
static struct scatterlist pages[32];

static bool host_is_told(void)
{
    start(take_buffer);
    tell_host(&vb, &queue);
    expect(queue.added == 1 && queue.kicks == 1 && !queue.token && !warnings);
    device_step = take_buffer;
    expect(virtballoon_free_page_report(&vb.pr_dev_info, pages, 32) == 0);
    return true;
}
static bool removal_ends_telling(void)
{
    start(break_queue);
    tell_host(&vb, &queue);
    expect(!warnings);
    return true;
}
static bool removal_fails_report(void)
{
    start(break_queue);
    expect(virtballoon_free_page_report(&vb.pr_dev_info, pages, 32) == -EIO);
    return true;
}
static bool bad_ring_fails_report(void)
{
    start(break_queue_with_interrupt);
    expect(virtballoon_free_page_report(&vb.pr_dev_info, pages, 32) == -EIO);
    return true;
}
static bool broken_queue_is_no_bug(void)
{
    start(NULL);
    queue.broken = true;
    tell_host(&vb, &queue);
    expect(!warnings);
    expect(virtballoon_free_page_report(&vb.pr_dev_info, pages, 32) == -EIO);
    expect(!warnings);
    return true;
}
static bool no_target_without_device(void)
{
    start(NULL);
    queue.broken = true;
    target = 0xffffffff;
    update_balloon_size_func(&vb.update_balloon_size_work);
    expect(!filled && !vb.update_balloon_size_work.queued && finished == 1);
    return true;
}
static bool target_is_chased(void)
{
    start(NULL);
    target = 1000;
    update_balloon_size_func(&vb.update_balloon_size_work);
    expect(filled == 1 && vb.update_balloon_size_work.queued == 1);
    return true;
}

int main(void)
{
    static const struct test tests[] = {
        {"still balloon: the host is told", host_is_told},
        {"balloon: a surprise removal ends telling the host", removal_ends_telling},
        {"balloon: a surprise removal fails a page report", removal_fails_report},
        {"balloon: a bad used entry fails a page report", bad_ring_fails_report},
        {"balloon: a queue that is broken already is no bug", broken_queue_is_no_bug},
        {"balloon: a device that is gone has no target", no_target_without_device},
        {"still balloon: the target is chased", target_is_chased},
    };

    return run_tests(tests, ARRAY_SIZE(tests));
}
