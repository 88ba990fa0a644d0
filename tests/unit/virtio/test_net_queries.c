/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands of the network device that have an answer: coalescing of single queues, and the
 * device's own counters.
 */
#include "fake_net.h"
#include <errno.h>
#include <string.h>

#define COALESCE (FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_VQ_NOTF_COAL))
#define STATS    (FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_DEVICE_STATS))

static void put(unsigned offset, uint64_t value, unsigned bytes)
{
    le_store(wire.result + offset, bytes, value);
    wire.result_bytes = MAX(wire.result_bytes, offset + bytes);
}

static uint64_t data(unsigned offset, unsigned bytes)
{
    return le_load(wire.data + offset, bytes);
}

static uint16_t last_command(void)
{
    return wire.commands ? wire.history[wire.commands - 1] : 0xffff;
}

static void start(uint64_t features, unsigned pairs)
{
    wire_create(features | FEATURE(NET_F_MQ), pairs, 64);
    wire_boot(pairs);
    user_open();
    wire.commands = 0;
}

/* ---- coalescing ---- */

static struct {
    uint32_t frames, us;
} set_values[8];
static unsigned short_by; /* bytes that miss in an answer */

static void coalesce(void)
{
    unsigned queue = (unsigned)data(0, 2);

    CHECK_EQ(data(2, 2), 0);
    CHECK(queue < ARRAY_SIZE(set_values));
    if (last_command() == 0x602 && wire.ack == 0) {
        CHECK_EQ(wire.data_bytes, 12);
        set_values[queue].frames = (uint32_t)data(4, 4);
        set_values[queue].us = (uint32_t)data(8, 4);
    } else if (last_command() == 0x603) {
        CHECK_EQ(wire.data_bytes, 4);
        CHECK_EQ(wire.room, 8);
        put(0, set_values[queue].frames, 4);
        put(4, set_values[queue].us, 4);
        wire.result_bytes -= short_by;
    }
}

static void start_coalescing(uint64_t features)
{
    memset(set_values, 0, sizeof(set_values));
    short_by = 0;
    start(features, 2);
    wire.answer = coalesce;
}

TEST(net_coalesces_single_queues)
{
    static const struct netdev_coalescing wish = {1, 2, 3, 4};
    struct netdev_coalescing now;

    start_coalescing(COALESCE);
    CHECK_EQ(netdev_set_queue_coalescing(wire_netdev(), 1, &wish), 0);
    CHECK(set_values[2].frames == 1 && set_values[2].us == 2);
    CHECK(set_values[3].frames == 3 && set_values[3].us == 4);
    CHECK_EQ(netdev_get_queue_coalescing(wire_netdev(), 1, &now), 0);
    CHECK(!memcmp(&now, &wish, sizeof(now)));
    CHECK_EQ(netdev_get_queue_coalescing(wire_netdev(), 0, &now), 0);
    CHECK_EQ(now.rx_frames + now.rx_us + now.tx_frames + now.tx_us, 0);
    CHECK_EQ(netdev_set_queue_coalescing(wire_netdev(), 2, &wish), -EINVAL);
    CHECK_EQ(netdev_get_queue_coalescing(wire_netdev(), 2, &now), -EINVAL);
    CHECK_EQ(wire.commands, 6);
}

/* NET-110 to NET-112: not offered, refused, half an answer, being reset. */
TEST_CASES(net_queue_coalescing_fails, 4)
{
    static const int errors[] = {-ENOTSUP, -EIO, -EIO, -ENETDOWN};
    static const struct netdev_coalescing wish = {1, 2, 3, 4};
    struct netdev_coalescing now = wish;

    start_coalescing(test_case ? COALESCE : FEATURE(NET_F_CTRL_VQ));
    if (test_case == 1)
        wire.ack = 1;
    else if (test_case == 2)
        short_by = 1;
    else if (test_case == 3)
        netdev_down(wire_netdev());
    CHECK_EQ(netdev_get_queue_coalescing(wire_netdev(), 0, &now), errors[test_case]);
    CHECK(!memcmp(&now, &wish, sizeof(now)));
    CHECK_EQ(netdev_set_queue_coalescing(wire_netdev(), 0, &wish),
             test_case == 2 ? 0 : errors[test_case]);
    if (test_case == 0)
        CHECK_EQ(wire.commands, 0);
}

/* A setting for all ends those of single queues, and both come back after a reset. */
TEST_CASES(net_queue_coalescing_after_a_reset, 2)
{
    static const struct netdev_coalescing one = {1, 2, 3, 4}, all = {5, 6, 7, 8};

    start_coalescing(COALESCE | FEATURE(NET_F_NOTF_COAL));
    CHECK_EQ(netdev_set_queue_coalescing(wire_netdev(), 1, &one), 0);
    if (test_case) {
        wire.answer = NULL;
        CHECK_EQ(netdev_set_coalescing(wire_netdev(), &all), 0);
    }
    memset(set_values, 0, sizeof(set_values));
    wire.commands = 0;
    virtio_device_misbehaved(&wire.fake->dev, "test");
    shim_settle();
    CHECK_EQ(wire.fake->dev.resets, 1);
    CHECK_EQ(wire_heard(NET_CTRL_NOTF_COAL, NET_COAL_VQ_SET), !test_case);
    CHECK_EQ(wire_heard(NET_CTRL_NOTF_COAL, NET_COAL_RX_SET), test_case);
    if (!test_case)
        CHECK(set_values[3].frames == 3 && set_values[3].us == 4);
}

/* ---- counters ---- */

static uint64_t offered;
static struct {
    unsigned record; /* which of them, counted over all; offset within it; what to add */
    unsigned offset;
    uint8_t add;
    unsigned more; /* bytes at the end */
} damage;
static unsigned nr_records;

static const uint8_t fields_of[33] = {
    [0] = 6, [1] = 4, [2] = 4, [3] = 2, [16] = 6, [17] = 2, [18] = 6, [19] = 2, [32] = 2};

/* Values that say where they belong. */
static uint64_t value_of(unsigned queue, unsigned type, unsigned field)
{
    return queue * 10000 + type * 100 + field;
}

static void count(void)
{
    unsigned queue = (unsigned)data(0, 2), at = 0;
    uint64_t asked = data(8, 8);

    CHECK_EQ(last_command() >> 8, NET_CTRL_STATS);
    if ((last_command() & 0xff) == NET_STATS_QUERY) {
        CHECK_EQ(wire.data_bytes, 0);
        put(0, offered, 8);
        wire.result_bytes -= short_by;
        return;
    }
    CHECK_EQ(wire.data_bytes, 16);
    CHECK(asked && (asked & ~offered) == 0); /* NET-113 */
    CHECK_EQ(asked & (queue == 4  ? 0xffffffff
                      : queue % 2 ? ~UINT64_C(0xffff0000)
                                  : ~0xffffull),
             0); /* NET-114 */
    for (unsigned type = 0; type <= 32; type++) {
        unsigned begin = at;

        if (!(asked >> type & 1))
            continue;
        put(at, type, 2);
        put(at + 2, queue, 2);
        put(at + 4, 0, 2);
        put(at + 6, 8u + fields_of[type] * 8u, 2);
        at += 8;
        for (unsigned i = 0; i < fields_of[type]; i++, at += 8)
            put(at, value_of(queue, type, i), 8);
        if (damage.record == ++nr_records)
            wire.result[begin + damage.offset] += damage.add;
    }
    CHECK_EQ(wire.room, at); /* NET-115 */
    if (nr_records >= damage.record)
        wire.result_bytes -= damage.more;
}

struct sums {
    unsigned values;
    uint64_t rx_bytes[2], tx_drops[2], commands_ok;
};

static void note(void *arg, unsigned queue, const char *name, uint64_t value)
{
    struct sums *sums = arg;

    sums->values++;
    if (!strcmp(name, "rx_bytes"))
        sums->rx_bytes[queue] = value;
    else if (!strcmp(name, "tx_drops"))
        sums->tx_drops[queue] = value;
    else if (!strcmp(name, "control_commands_ok"))
        sums->commands_ok = value;
}

static void start_counting(uint64_t features, uint64_t types)
{
    memset(&damage, 0, sizeof(damage));
    offered = types;
    nr_records = short_by = 0;
    start(features, 2);
    wire.answer = count;
}

#define ALL_TYPES UINT64_C(0x1000f000f)

/* Types of the future are not asked for. */
TEST_CASES(net_reads_the_devices_counters, 2)
{
    struct sums sums = {0};

    start_counting(STATS, test_case ? UINT64_MAX : ALL_TYPES);
    CHECK_EQ(netdev_device_stats(wire_netdev(), note, &sums), 0);
    CHECK_EQ(wire.commands, 1 + 2 + 2 + 1);
    CHECK_EQ(sums.values, 2 * 16 + 2 * 16 + 2);
    CHECK_EQ(sums.rx_bytes[1], value_of(2, 0, 2));
    CHECK_EQ(sums.tx_drops[0], value_of(1, 16, 4));
    CHECK_EQ(sums.tx_drops[1], value_of(3, 16, 4));
    CHECK_EQ(sums.commands_ok, value_of(4, 32, 1));
}

/* A device with one type is asked for that one only, where it can be. */
TEST_CASES(net_reads_one_type_of_counters, 33)
{
    struct sums sums = {0};
    unsigned queues = test_case == 32 ? 1 : 2;

    start_counting(STATS, UINT64_C(1) << test_case);
    CHECK_EQ(netdev_device_stats(wire_netdev(), note, &sums), 0);
    CHECK_EQ(sums.values, queues * fields_of[test_case]);
    CHECK_EQ(wire.commands, 1 + (fields_of[test_case] ? queues : 0));
}

/* Each field of a record's header, of the first and of a later record, and a piece that misses.
 */
TEST_CASES(net_counters_make_no_sense, 12)
{
    static const struct {
        unsigned offset;
        uint8_t add;
        unsigned more;
    } cases[] = {{0, 1, 0}, {0, 40, 0}, {2, 1, 0}, {6, 8, 0}, {7, 1, 0}, {0, 0, 1}};
    struct sums sums = {0};

    start_counting(STATS, ALL_TYPES);
    damage.record = test_case / 6 ? 11 : 1;
    damage.offset = cases[test_case % 6].offset;
    damage.add = cases[test_case % 6].add;
    damage.more = cases[test_case % 6].more;
    if (damage.add == 1 && damage.offset == 0)
        damage.add = 16; /* a type of the other direction */
    CHECK_EQ(netdev_device_stats(wire_netdev(), note, &sums), -EIO);
    CHECK_EQ(shim_log_count("make no sense"), 1);
    CHECK_EQ(wire.fake->dev.resets, 0);
    CHECK(sums.values < 66);
}

TEST_CASES(net_counters_fail, 5)
{
    static const int errors[] = {-ENOTSUP, -EIO, -EIO, -ENETDOWN, -EIO};
    struct sums sums = {0};

    start_counting(test_case ? STATS : FEATURE(NET_F_CTRL_VQ), ALL_TYPES);
    if (test_case == 1)
        wire.ack = 1;
    else if (test_case == 2)
        short_by = 1;
    else if (test_case == 3)
        netdev_down(wire_netdev());
    else if (test_case == 4)
        wire.written = wire.result_bytes = 0, wire.answer = NULL;
    CHECK_EQ(netdev_device_stats(wire_netdev(), note, &sums), errors[test_case]);
    CHECK_EQ(sums.values, 0);
}
