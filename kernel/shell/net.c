/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shell command `net`: links and counters.
 */
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/netdev.h>
#include <neap/shell.h>

static const struct {
    uint32_t cap;
    const char *name;
} cap_names[] = {
    {NETDEV_CAP_TX_CSUM, "tx-csum"},
    {NETDEV_CAP_TSO4, "tso4"},
    {NETDEV_CAP_TSO6, "tso6"},
    {NETDEV_CAP_TSO_ECN, "tso-ecn"},
    {NETDEV_CAP_USO, "uso"},
    {NETDEV_CAP_RX_CSUM, "rx-csum"},
    {NETDEV_CAP_LRO4, "lro4"},
    {NETDEV_CAP_LRO6, "lro6"},
    {NETDEV_CAP_LRO_ECN, "lro-ecn"},
    {NETDEV_CAP_URO4, "uro4"},
    {NETDEV_CAP_URO6, "uro6"},
    {NETDEV_CAP_HASH, "hash"},
    {NETDEV_CAP_SET_MAC, "set-mac"},
    {NETDEV_CAP_FILTER, "filter"},
    {NETDEV_CAP_VLAN, "vlan"},
    {NETDEV_CAP_COALESCE, "coalesce"},
    {NETDEV_CAP_COALESCE_QUEUE, "coalesce-queue"},
    {NETDEV_CAP_DEVICE_STATS, "device-stats"},
};

struct counter {
    const char *key;
    uint64_t value;
};

#define COUNTERS 14

static void list_counters(const struct netdev_stats *stats, struct counter counters[COUNTERS])
{
    const struct counter all[COUNTERS] = {
        {"rx_frames", stats->rx_frames},   {"rx_bytes", stats->rx_bytes},
        {"rx_dropped", stats->rx_dropped}, {"rx_errors", stats->rx_errors},
        {"rx_buffers", stats->rx_buffers}, {"rx_no_memory", stats->rx_no_memory},
        {"tx_frames", stats->tx_frames},   {"tx_bytes", stats->tx_bytes},
        {"tx_refused", stats->tx_refused}, {"tx_full", stats->tx_full},
        {"tx_lost", stats->tx_lost},       {"interrupts", stats->interrupts},
        {"polls", stats->polls},           {"kicks", stats->kicks},
    };

    for (unsigned i = 0; i < COUNTERS; i++)
        counters[i] = all[i];
}

static void format_mac(char text[18], const uint8_t mac[NETDEV_MAC_BYTES])
{
    format_string(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
                  mac[4], mac[5]);
}

static void print_table(const struct netdev_info *info, const struct counter *counters)
{
    char mac[18];

    format_mac(mac, info->mac);
    kprintf("%s  %s  %s  mtu %u  link %s", info->name, info->driver, mac, info->mtu,
            !info->live  ? "gone (reset)"
            : info->link ? "up"
                         : "down");
    if (info->speed != NETDEV_SPEED_UNKNOWN)
        kprintf("  %u Mbit/s %s duplex", info->speed, info->full_duplex ? "full" : "half");
    kprintf("\n  %-12s %u\n  %-12s", "queues", info->nr_queues, "can");
    for (unsigned i = 0; i < ARRAY_SIZE(cap_names); i++)
        if (info->caps & cap_names[i].cap)
            kprintf(" %s", cap_names[i].name);
    kprintf("\n");
    for (unsigned i = 0; i < COUNTERS; i++)
        kprintf("  %-12s %llu\n", counters[i].key, (unsigned long long)counters[i].value);
}

static void print_machine(const struct netdev_info *info, const struct counter *counters)
{
    char mac[18];

    format_mac(mac, info->mac);
    kprintf("%s_mac=%s\n%s_mtu=%u\n%s_link=%u\n%s_live=%u\n%s_queues=%u\n%s_caps=%u\n",
            info->name, mac, info->name, info->mtu, info->name, info->link, info->name,
            info->live, info->name, info->nr_queues, info->name, info->caps);
    for (unsigned i = 0; i < COUNTERS; i++)
        kprintf("%s_%s=%llu\n", info->name, counters[i].key,
                (unsigned long long)counters[i].value);
}

struct print_job {
    bool machine;
    unsigned found;
    const struct netdev_info *info; /* of the device that is being printed */
};

/* A counter of the device's own. */
static void print_device_counter(void *arg, unsigned queue, const char *name, uint64_t value)
{
    const struct print_job *job = arg;

    if (job->machine)
        kprintf("%s_device%u_%s=%llu\n", job->info->name, queue, name,
                (unsigned long long)value);
    else
        kprintf("  device: queue %u, %s %llu\n", queue, name, (unsigned long long)value);
}

static void print_coalescing(struct netdev *dev, struct print_job *job)
{
    struct netdev_coalescing now;

    for (unsigned i = 0; i < job->info->nr_queues; i++) {
        if (netdev_get_queue_coalescing(dev, i, &now))
            return;
        print_device_counter(job, i, "coalesce_rx_frames", now.rx_frames);
        print_device_counter(job, i, "coalesce_rx_us", now.rx_us);
        print_device_counter(job, i, "coalesce_tx_frames", now.tx_frames);
        print_device_counter(job, i, "coalesce_tx_us", now.tx_us);
    }
}

static void print_device(struct netdev *dev, void *arg)
{
    struct print_job *job = arg;
    struct counter counters[COUNTERS];
    struct netdev_stats stats;
    struct netdev_info info;

    job->found++;
    netdev_info_get(dev, &info);
    netdev_stats_get(dev, -1, &stats);
    list_counters(&stats, counters);
    if (job->machine)
        print_machine(&info, counters);
    else
        print_table(&info, counters);
    job->info = &info;
    print_coalescing(dev, job);
    (void)netdev_device_stats(dev, print_device_counter, job);
}

static int run_net(int argc, char **argv)
{
    struct print_job job = {.machine = shell_wants_machine(argc, argv)};

    netdev_for_each(print_device, &job);
    if (!job.found)
        kprintf("no network device\n");
    return job.found ? 0 : -ENODEV;
}

SHELL_COMMAND(net, "net [--machine]", "show network devices", run_net);
