/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stack's lock, its thread and its start.
 *
 * Whoever calls into lwIP does so under one mutex, in its own thread: the poll threads of the
 * devices for what comes in, applications for what goes out, and the thread made here for
 * timers.
 */
#include "internal.h"
#include <lwip/init.h>
#include <lwip/sys.h>
#include <neap/bus.h>
#include <neap/entropy.h>
#include <neap/lock.h>
#include <neap/panic.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <neap/wait.h>

static struct mutex core_lock = MUTEX_INIT(core_lock, "net", LOCK_RANK_NET);
static struct waitqueue core_wait = WAITQUEUE_INIT(core_wait, "net timers");
static uint64_t next_run;  /* when the thread means to wake up; under core_lock */
static bool core_kicked;   /* the thread should look now; atomic */
static bool core_delivers; /* packets to ourselves are on their way; under core_lock */

void net_lock(void)
{
    mutex_lock(&core_lock);
    interface_reap();
}

bool net_is_locked(void)
{
    return mutex_is_mine(&core_lock);
}

/*
 * Packets to ourselves wait in a queue, so that no connection's code runs inside its own; here
 * nothing of the stack is under way.
 */
void net_unlock(void)
{
    bool kick;

    if (!core_delivers) {
        core_delivers = true;
        netif_poll_all();
        core_delivers = false;
    }
    interfaces_flush();
    kick = net_timers_changed(next_run);
    mutex_unlock(&core_lock);
    if (kick)
        net_kick();
}

void net_kick(void)
{
    __atomic_store_n(&core_kicked, true, __ATOMIC_RELEASE);
    wake_all(&core_wait);
}

static bool kicked(void *arg UNUSED)
{
    return __atomic_load_n(&core_kicked, __ATOMIC_ACQUIRE);
}

static void timers_thread(void *arg UNUSED)
{
    for (;;) {
        uint64_t now, next;

        __atomic_store_n(&core_kicked, false, __ATOMIC_RELEASE);
        net_lock();
        next = next_run = net_timers_run();
        net_unlock();
        now = clock_ns();
        if (next > now)
            (void)wait_until(&core_wait, kicked, NULL, next - now);
    }
}

/* ---- what lwIP asks of its surroundings ---- */

u32_t sys_now(void)
{
    return (u32_t)(clock_ns() / NS_PER_MS);
}

uint32_t net_random(void)
{
    return (uint32_t)(entropy() >> 16);
}

void net_check_locked(void)
{
    if (!net_is_locked())
        panic("net: the stack is called without its lock");
}

void net_assertion_failed(const char *text)
{
    panic("net: assertion of lwIP failed: %s", text);
}

/* Not a bus, but what comes after all of them: the devices are known now. */
static void net_init(void)
{
    net_lock();
    lwip_init();
    net_unlock();
    if (!thread_create("net-timers", THREAD_NORMAL, timers_thread, NULL))
        panic("net: no memory for the first thread");
    interfaces_init();
}
BUS(net, net_init);
