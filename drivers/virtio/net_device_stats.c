/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters that the device keeps (DEVICE_STATS): read queue by queue, as each has types of its
 * own.
 */
#include "net.h"
#include <neap/endian.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <string.h>

#define FIELDS_MAX 6

/* The types of virtio 1.4, 5.1.6.5.9; a type's number is its bit. */
static const struct type {
    uint8_t number;
    uint8_t fields;
    const char *names[FIELDS_MAX];
} types[] = {
    {0,
     6,
     {"rx_notifications", "rx_packets", "rx_bytes", "rx_interrupts", "rx_drops",
      "rx_drop_overruns"}},
    {1, 4, {"rx_csum_valid", "rx_needs_csum", "rx_csum_none", "rx_csum_bad"}},
    {2,
     4,
     {"rx_gso_packets", "rx_gso_bytes", "rx_gso_packets_coalesced", "rx_gso_bytes_coalesced"}},
    {3, 2, {"rx_packets_allowance_exceeded", "rx_bytes_allowance_exceeded"}},
    {16,
     6,
     {"tx_notifications", "tx_packets", "tx_bytes", "tx_interrupts", "tx_drops",
      "tx_drop_malformed"}},
    {17, 2, {"tx_csum_none", "tx_needs_csum"}},
    {18,
     6,
     {"tx_gso_packets", "tx_gso_bytes", "tx_gso_segments", "tx_gso_segments_bytes",
      "tx_gso_packets_noseg", "tx_gso_bytes_noseg"}},
    {19, 2, {"tx_packets_allowance_exceeded", "tx_bytes_allowance_exceeded"}},
    {32, 2, {"control_commands", "control_commands_ok"}},
};

#define RX_TYPES      UINT64_C(0x0000ffff)
#define TX_TYPES      UINT64_C(0xffff0000)
#define CONTROL_TYPES (UINT64_C(1) << 32)

/* Of a request and of a reply. */
struct stats_request {
    uint16_t queue;
    uint16_t reserved[3];
    uint64_t types;
};

struct stats_record {
    uint8_t type;
    uint8_t reserved;
    uint16_t queue;
    uint16_t reserved1;
    uint16_t bytes; /* this header included */
};

struct report {
    void (*fn)(void *arg, unsigned queue, const char *name, uint64_t value);
    void *arg;
};

/* Those of the device that we know: NET-113. */
static int read_types(struct net *net, uint64_t *offered)
{
    uint64_t all = 0, known = 0;
    unsigned bytes = 0;
    int error = net_query(net, NET_CTRL_STATS, NET_STATS_QUERY, 0, sizeof(all), &bytes);

    if (error || bytes != sizeof(all))
        return error ? error : -EIO;
    memcpy(&all, net->message->result, sizeof(all));
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
        known |= UINT64_C(1) << types[i].number;
    *offered = le64(all) & known;
    return 0;
}

static const struct type *find(unsigned number)
{
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
        if (types[i].number == number)
            return &types[i];
    return NULL;
}

/* A record that was asked for, has the size of its type and lies within `left` bytes. */
static const struct type *check_record(const struct stats_record *record, unsigned queue,
                                       uint64_t asked, unsigned left)
{
    const struct type *type = find(record->type);

    if (!type || !(asked >> type->number & 1) || le16(record->queue) != queue ||
        le16(record->bytes) != sizeof(*record) + type->fields * sizeof(uint64_t) ||
        le16(record->bytes) > left)
        return NULL;
    return type;
}

static int report_records(struct net *net, unsigned queue, uint64_t asked, unsigned bytes,
                          const struct report *report)
{
    const uint8_t *at = net->message->result, *end = at + bytes;

    while (at < end) {
        struct stats_record record;
        const struct type *type = NULL;

        if ((size_t)(end - at) >= sizeof(record)) {
            memcpy(&record, at, sizeof(record));
            type = check_record(&record, queue, asked, (unsigned)(end - at));
        }
        if (!type) {
            log_warning("net", "%s: its counters of queue %u make no sense", net->dev->name,
                        queue);
            return -EIO;
        }
        at += sizeof(record);
        for (unsigned i = 0; i < type->fields; i++, at += sizeof(uint64_t)) {
            uint64_t value;

            memcpy(&value, at, sizeof(value));
            report->fn(report->arg, queue / 2, type->names[i], le64(value));
        }
    }
    return 0;
}

/* NET-114, NET-115: only types that go with the queue, and room for them all. */
static int read_queue(struct net *net, unsigned queue, uint64_t wanted,
                      const struct report *report)
{
    const struct stats_request request = {le16((uint16_t)queue), {0}, le64(wanted)};
    unsigned room = 0, bytes = 0;
    int error;

    for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
        if (wanted >> types[i].number & 1)
            room += (unsigned)sizeof(struct stats_record) + types[i].fields * 8u;
    if (!room)
        return 0;
    memcpy(net->message->data, &request, sizeof(request));
    error = net_query(net, NET_CTRL_STATS, NET_STATS_GET, sizeof(request), room, &bytes);
    return error ? error : report_records(net, queue, wanted, bytes, report);
}

int net_device_stats(struct netdev *netdev,
                     void (*fn)(void *arg, unsigned queue, const char *name, uint64_t value),
                     void *arg)
{
    struct net *net = to_net(netdev);
    const struct report report = {fn, arg};
    uint64_t offered = 0;
    int error = read_types(net, &offered);

    for (unsigned i = 0; i < net->nr_pairs && !error; i++) {
        error = read_queue(net, 2 * i, offered & RX_TYPES, &report);
        if (!error)
            error = read_queue(net, 2 * i + 1, offered & TX_TYPES, &report);
    }
    if (!error)
        error =
            read_queue(net, virtqueue_index(net->control), offered & CONTROL_TYPES, &report);
    return error;
}
