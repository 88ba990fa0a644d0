// SPDX-License-Identifier: GPL-2.0
/* virtio-mem's requests, main loop and retry timer against a device that misbehaves. */
#include "device.h"

#define IS_ENABLED(option) 1
#define CONFIG_PROC_VMCORE 1
#include <linux/virtio_mem.h>

struct work_struct {
    int unused;
};
struct resource;
struct mutex {
    int unused;
};
typedef int spinlock_t;
typedef atomic_t atomic64_t;
enum hrtimer_restart { HRTIMER_NORESTART };
enum hrtimer_mode { HRTIMER_MODE_REL };
struct hrtimer {
    unsigned int armed_ms;
};
struct notifier_block {
    int unused;
};
struct vmcore_cb {
    int unused;
};
struct list_head {
    int unused;
};
#define VIRTIO_MEM_RETRY_TIMER_MIN_MS  50000
#define VIRTIO_MEM_RETRY_TIMER_MAX_MS  300000
#define VIRTIO_MEM_BROKEN_POLL_JIFFIES HZ
#define virtio16_to_cpu(vdev, value)   (value)
#define cpu_to_virtio16(vdev, value)   (value)
#define cpu_to_virtio64(vdev, value)   (value)
#define ms_to_ktime(ms)                (ms)
#define hrtimer_start(timer, ms, mode) ((timer)->armed_ms = (ms))
#define hrtimer_cancel(timer)          ((timer)->armed_ms = 0)

struct virtio_mem;
static void virtio_mem_retry(struct virtio_mem *vm);
static void virtio_mem_refresh_config(struct virtio_mem *vm);
static int virtio_mem_cleanup_pending_mb(struct virtio_mem *vm);
static int virtio_mem_plug_request(struct virtio_mem *vm, uint64_t diff);
static int virtio_mem_unplug_request(struct virtio_mem *vm, uint64_t diff);

#include "virtio_mem.inc"

#define MIB (1ull << 20)
static struct virtio_device vdev;
static struct virtio_mem vm;
static int plug_result, plug_calls, refreshes;

static void virtio_mem_retry(struct virtio_mem *unused)
{
}
static void virtio_mem_refresh_config(struct virtio_mem *unused)
{
    refreshes++;
}
static int virtio_mem_cleanup_pending_mb(struct virtio_mem *unused)
{
    return 0;
}
static int virtio_mem_plug_request(struct virtio_mem *unused, uint64_t diff)
{
    plug_calls++;
    return plug_result;
}
static int virtio_mem_unplug_request(struct virtio_mem *unused, uint64_t diff)
{
    return plug_result;
}

static void start(bool (*step)(struct virtqueue *))
{
    memset(&vm, 0, sizeof(vm));
    memset(&queue, 0, sizeof(queue));
    queue.vdev = &vdev;
    vm.vdev = &vdev;
    vm.vq = &queue;
    vm.device_block_size = 2 * MIB;
#ifndef HAVE_retry_min_ms
    vm.retry_timer_ms =
        VIRTIO_MEM_RETRY_TIMER_MIN_MS; /* what the probe sets before there are parameters */
#endif
    plug_result = plug_calls = refreshes = 0;
    device_step = step;
    other_side = step_device;
}

/* Answers. */
static struct virtio_mem_resp answer;
static bool answer_in_full(struct virtqueue *vq)
{
    memcpy(vq->in.address, &answer, sizeof(answer));
    return give_back(vq, sizeof(answer));
}
static bool answer_type_only(struct virtqueue *vq)
{
    memcpy(vq->in.address, &answer.type, sizeof(answer.type));
    return give_back(vq, sizeof(answer.type));
}
static bool answer_nothing(struct virtqueue *vq)
{
    return give_back(vq, 0);
}
static int plug_with(uint16_t type)
{
    start(answer_in_full);
    answer.type = type;
    return virtio_mem_send_plug_request(&vm, 4096 * MIB, 2 * MIB);
}

static bool answers_keep_their_meaning(void)
{
    expect(plug_with(VIRTIO_MEM_RESP_ACK) == 0 && vm.plugged_size == 2 * MIB);
    expect(plug_with(VIRTIO_MEM_RESP_NACK) == -EAGAIN && vm.plugged_size == 0);
    expect(plug_with(VIRTIO_MEM_RESP_BUSY) == -ETXTBSY);
    expect(plug_with(VIRTIO_MEM_RESP_ERROR) == -EINVAL);
    expect(plug_with(77) == -ENOMEM);
    return true;
}
static bool surprise_removal_ends_the_wait(void)
{
    start(break_queue);
    expect(virtio_mem_send_plug_request(&vm, 4096 * MIB, 2 * MIB) == -EIO);
    expect(vm.plugged_size == 0);
    return true;
}
static bool bad_ring_ends_the_wait(void)
{
    start(break_queue_with_interrupt);
    expect(virtio_mem_send_unplug_request(&vm, 4096 * MIB, 2 * MIB) == -EIO);
    return true;
}
static bool broken_queue_is_no_lack_of_memory(void)
{
    start(NULL);
    queue.broken = true;
    expect(virtio_mem_send_plug_request(&vm, 4096 * MIB, 2 * MIB) == -EIO);
    expect(virtio_mem_send_unplug_request(&vm, 4096 * MIB, 2 * MIB) == -EIO);
    expect(virtio_mem_send_state_request(&vm, 4096 * MIB, 2 * MIB) == -EIO);
    return true;
}
static bool broken_queue_stops_the_main_loop(void)
{
    start(NULL);
    queue.broken = true;
    vm.unplug_all_required = true;
    virtio_mem_run_wq(&vm.wq);
    expect(vm.broken);
    expect(vm.retry_timer.armed_ms == 0);
    return true;
}
static bool first_answer_empty(void)
{
    start(answer_nothing);
    expect(virtio_mem_send_plug_request(&vm, 4096 * MIB, 2 * MIB) == -EPROTO);
    expect(vm.plugged_size == 0);
    return true;
}
static bool later_answer_empty(void)
{
    expect(plug_with(VIRTIO_MEM_RESP_ACK) == 0);
    device_step = answer_nothing;
    expect(virtio_mem_send_plug_request(&vm, 4098 * MIB, 2 * MIB) == -EPROTO);
    expect(vm.plugged_size == 2 * MIB);
    return true;
}
static bool state_missing_in_answer(void)
{
    start(answer_in_full);
    answer = (struct virtio_mem_resp){.type = VIRTIO_MEM_RESP_ACK,
                                      .u.state.state = VIRTIO_MEM_STATE_PLUGGED};
    expect(virtio_mem_send_state_request(&vm, 4096 * MIB, 2 * MIB) == VIRTIO_MEM_STATE_PLUGGED);
    device_step = answer_type_only;
    expect(virtio_mem_send_state_request(&vm, 4098 * MIB, 2 * MIB) != VIRTIO_MEM_STATE_PLUGGED);
    return true;
}

/* One refused request, then perhaps a new wish of the hypervisor. */
static void fail_once(void)
{
    start(NULL);
    vm.requested_size = 4 * MIB;
    plug_result = -EINVAL;
    virtio_mem_run_wq(&vm.wq);
    plug_result = 0;
}
static bool error_stops_the_main_loop(void)
{
    fail_once();
    expect(vm.broken && plug_calls == 1);
    virtio_mem_run_wq(&vm.wq);
    expect(vm.broken && plug_calls == 1);
    return true;
}
static bool config_change_starts_over(void)
{
    fail_once();
    atomic_set(&vm.config_changed, 1);
    virtio_mem_run_wq(&vm.wq);
    expect(refreshes == 1 && plug_calls == 2 && !vm.broken);
    return true;
}
static bool config_change_cannot_mend_a_queue(void)
{
    fail_once();
    atomic_set(&vm.config_changed, 1);
    queue.broken = true;
    virtio_mem_run_wq(&vm.wq);
    expect(plug_calls == 1 && vm.broken);
    return true;
}
static bool remainder_is_logged(void)
{
    start(NULL);
    vm.requested_size = 3 * MIB;
    vm.plugged_size = 2 * MIB;
    virtio_mem_run_wq(&vm.wq);
    expect(strstr(last_message, "0x100000"));
    return true;
}
static bool nothing_is_logged_at_the_target(void)
{
    start(NULL);
    vm.requested_size = vm.plugged_size = 2 * MIB;
    virtio_mem_run_wq(&vm.wq);
    expect(!last_message[0] && vm.retry_timer.armed_ms == 0);
    return true;
}

/* Delay of the next retry in milliseconds, after `failures` attempts that found the device
 * busy. */
static unsigned int delay_after(int failures)
{
    start(NULL);
    vm.requested_size = 4 * MIB;
    plug_result = -ETXTBSY;
    for (int i = 0; i < failures; i++) {
        if (i)
            virtio_mem_timer_expired(&vm.retry_timer);
        virtio_mem_run_wq(&vm.wq);
    }
    return vm.retry_timer.armed_ms;
}
static bool default_delays(void)
{
    expect(delay_after(1) == 50000);
    expect(delay_after(2) == 100000);
    expect(delay_after(3) == 200000);
    expect(delay_after(4) == 300000);
    expect(delay_after(9) == 300000);
    plug_result = 0;
    virtio_mem_run_wq(&vm.wq);
    plug_result = -ETXTBSY;
    virtio_mem_run_wq(&vm.wq);
    expect(vm.retry_timer.armed_ms == 50000);
    return true;
}
#ifdef HAVE_retry_min_ms
static bool with_delays(unsigned int least, unsigned int most, int failures,
                        unsigned int wanted)
{
    retry_min_ms = least;
    retry_max_ms = most;
    unsigned int delay = delay_after(failures);
    retry_min_ms = 50000;
    retry_max_ms = 300000;
    return delay == wanted;
}
#else
#define with_delays(least, most, failures, wanted) false
#endif
static bool delays_follow_parameters(void)
{
    expect(with_delays(100, 1000, 1, 100));
    expect(with_delays(100, 1000, 3, 400));
    expect(with_delays(100, 1000, 9, 1000));
    return true;
}
static bool contradictory_parameters(void)
{
    expect(with_delays(5000, 1000, 1, 5000));
    expect(with_delays(5000, 1000, 5, 5000));
    return true;
}

int main(void)
{
    static const struct test tests[] = {
        {"still mem: each answer keeps its meaning", answers_keep_their_meaning},
        {"mem: a surprise removal ends the wait", surprise_removal_ends_the_wait},
        {"mem: a bad used entry ends the wait", bad_ring_ends_the_wait},
        {"mem: a broken queue is not taken for lack of memory",
         broken_queue_is_no_lack_of_memory},
        {"mem: a broken queue stops the main loop", broken_queue_stops_the_main_loop},
        {"mem: an empty first answer acknowledges nothing", first_answer_empty},
        {"mem: an empty later answer acknowledges nothing", later_answer_empty},
        {"mem: an answer without a state does not say plugged", state_missing_in_answer},
        {"still mem: an unexpected answer stops the main loop", error_stops_the_main_loop},
        {"mem: a config change starts over", config_change_starts_over},
        {"still mem: a config change mends no queue", config_change_cannot_mend_a_queue},
        {"mem: the unmet remainder is logged", remainder_is_logged},
        {"still mem: nothing is logged at the target", nothing_is_logged_at_the_target},
        {"still mem: retries after 50 s, doubling up to 300 s", default_delays},
        {"mem: retry delays follow the parameters", delays_follow_parameters},
        {"mem: a minimum above the maximum wins", contradictory_parameters},
    };

    return run_tests(tests, ARRAY_SIZE(tests));
}
