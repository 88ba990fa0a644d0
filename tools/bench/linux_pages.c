/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * A module for the Linux reference guest: the loop of neap's "bench order0" and "bench order9"
 * (kernel/shell/bench.c) on Linux's own page allocator. It runs while it loads:
 *
 *   order=<n> every_cpu=<0|1>   what to do
 *   ops, cycles                 the result, in /sys/module/linux_pages/parameters
 */
#include <asm/msr.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

#define BATCH         16
#define ORDER0_ROUNDS 4096
#define ORDER9_ROUNDS 1024

static unsigned int order;
static bool every_cpu;
static unsigned long ops, cycles;
module_param(order, uint, 0444);
module_param(every_cpu, bool, 0444);
module_param(ops, ulong, 0444);
module_param(cycles, ulong, 0444);

static atomic_long_t all_ops;
static DECLARE_COMPLETION(member_done);

/* No __GFP_COMP: neap's blocks are not compound pages either, and it would only add work. */
static unsigned long pages_of_order(void)
{
    unsigned long rounds = order ? ORDER9_ROUNDS : ORDER0_ROUNDS, done = 0;
    struct page *pages[BATCH];

    for (unsigned long round = 0; round < rounds; round++) {
        unsigned int taken = 0;

        while (taken < BATCH &&
               (pages[taken] = alloc_pages(GFP_HIGHUSER_MOVABLE, order)) != NULL)
            taken++;
        for (unsigned int i = 0; i < taken; i++)
            __free_pages(pages[i], order);
        done += taken;
        if (taken < BATCH)
            break;
    }
    return done;
}

static int crowd_member(void *unused)
{
    atomic_long_add(pages_of_order(), &all_ops);
    /* Exits in the kernel: the module may be gone by then. */
    kthread_complete_and_exit(&member_done, 0);
}

/* Creating and awaiting the threads counts, as it does in neap. */
static int on_every_cpu(void)
{
    unsigned int cpu, members = 0;
    int error = 0;

    for_each_online_cpu(cpu)
    {
        struct task_struct *member = kthread_create(crowd_member, NULL, "pages/%u", cpu);

        if (IS_ERR(member)) {
            error = PTR_ERR(member);
            break;
        }
        kthread_bind(member, cpu);
        wake_up_process(member);
        members++;
    }
    while (members-- > 0)
        wait_for_completion(&member_done);
    ops = atomic_long_read(&all_ops);
    return error;
}

static int __init linux_pages_init(void)
{
    unsigned long begin = rdtsc_ordered();
    int error = 0;

    if (every_cpu)
        error = on_every_cpu();
    else
        ops = pages_of_order();
    cycles = rdtsc_ordered() - begin;
    return error;
}

static void __exit linux_pages_exit(void)
{
}

module_init(linux_pages_init);
module_exit(linux_pages_exit);
MODULE_DESCRIPTION("Cost of Linux's page allocator");
MODULE_LICENSE("Dual BSD/GPL");
