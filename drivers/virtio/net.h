/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network device (virtio 1.4, 5.1): what its files share.
 *
 * Who may touch what: a pair's receive side belongs to its poll thread; its transmit side is
 * under the pair's spinlock; the control queue and the settings are under the lock of the
 * netdev. While the device is being reset no poll thread runs.
 */
#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include <neap/lock.h>
#include <neap/netdev_driver.h>
#include <neap/timer.h>
#include <neap/virtio.h>
#include <neap/wait.h>

enum net_feature {
    NET_F_CSUM = 0,
    NET_F_GUEST_CSUM = 1,
    NET_F_CTRL_GUEST_OFFLOADS = 2,
    NET_F_MTU = 3,
    NET_F_MAC = 5,
    NET_F_GUEST_TSO4 = 7,
    NET_F_GUEST_TSO6 = 8,
    NET_F_GUEST_ECN = 9,
    NET_F_HOST_TSO4 = 11,
    NET_F_HOST_TSO6 = 12,
    NET_F_HOST_ECN = 13,
    NET_F_MRG_RXBUF = 15,
    NET_F_STATUS = 16,
    NET_F_CTRL_VQ = 17,
    NET_F_CTRL_RX = 18,
    NET_F_CTRL_VLAN = 19,
    NET_F_GUEST_ANNOUNCE = 21,
    NET_F_MQ = 22,
    NET_F_CTRL_MAC_ADDR = 23,
    NET_F_DEVICE_STATS = 50,
    NET_F_VQ_NOTF_COAL = 52,
    NET_F_NOTF_COAL = 53,
    NET_F_GUEST_USO4 = 54,
    NET_F_GUEST_USO6 = 55,
    NET_F_HOST_USO = 56,
    NET_F_HASH_REPORT = 57,
    NET_F_GUEST_HDRLEN = 59,
    NET_F_RSS = 60,
    NET_F_SPEED_DUPLEX = 63,
};

/* Configuration fields. */
#define NET_CONFIG_MAC           0
#define NET_CONFIG_STATUS        6
#define NET_CONFIG_MAX_PAIRS     8
#define NET_CONFIG_MTU           10
#define NET_CONFIG_SPEED         12
#define NET_CONFIG_DUPLEX        16
#define NET_CONFIG_RSS_KEY_MAX   17
#define NET_CONFIG_RSS_TABLE_MAX 18
#define NET_CONFIG_HASH_TYPES    20

#define NET_STATUS_LINK_UP  1
#define NET_STATUS_ANNOUNCE 2

/* The header in front of every frame; hash fields exist with NET_F_HASH_REPORT. */
struct net_header {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t header_length;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
    uint16_t num_buffers;
    uint32_t hash_value;
    uint16_t hash_report;
    uint16_t reserved;
};
#define NET_HEADER_BYTES      12u
#define NET_HEADER_HASH_BYTES 20u
_Static_assert(sizeof(struct net_header) == NET_HEADER_HASH_BYTES, "no padding");

enum net_header_flags {
    NET_HDR_NEEDS_CSUM = 1,
    NET_HDR_DATA_VALID = 2,
    NET_HDR_RSC_INFO = 4,
    NET_HDR_UDP_TUNNEL_CSUM = 8,
};

enum net_gso {
    NET_GSO_NONE = 0,
    NET_GSO_TCP4 = 1,
    NET_GSO_TCP6 = 4,
    NET_GSO_UDP_L4 = 5,
    NET_GSO_ECN = 0x80, /* a bit */
};

enum net_control_class {
    NET_CTRL_RX = 0,
    NET_CTRL_MAC = 1,
    NET_CTRL_VLAN = 2,
    NET_CTRL_ANNOUNCE = 3,
    NET_CTRL_MQ = 4,
    NET_CTRL_GUEST_OFFLOADS = 5,
    NET_CTRL_NOTF_COAL = 6,
    NET_CTRL_STATS = 8,
};

/* Commands, each within its class. */
enum net_control_command {
    NET_RX_PROMISC = 0,
    NET_RX_ALLMULTI = 1,
    NET_MAC_TABLE_SET = 0,
    NET_MAC_ADDR_SET = 1,
    NET_VLAN_ADD = 0,
    NET_VLAN_DEL = 1,
    NET_ANNOUNCE_ACK = 0,
    NET_MQ_PAIRS_SET = 0,
    NET_MQ_RSS_CONFIG = 1,
    NET_MQ_HASH_CONFIG = 2,
    NET_OFFLOADS_SET = 0,
    NET_COAL_TX_SET = 0,
    NET_COAL_RX_SET = 1,
    NET_COAL_VQ_SET = 2,
    NET_COAL_VQ_GET = 3,
    NET_STATS_QUERY = 0,
    NET_STATS_GET = 1,
};

#define NET_CONTROL_DATA_MAX   512
#define NET_CONTROL_RESULT_MAX 256

/* One command as the device sees it: two bytes and data to read, a byte and a result to write.
 */
struct net_message {
    uint8_t command_class;
    uint8_t command;
    uint8_t data[NET_CONTROL_DATA_MAX];
    uint8_t ack;
    uint8_t result[NET_CONTROL_RESULT_MAX];
};

#define NET_RSS_KEY_MAX   40
#define NET_RSS_TABLE_MAX 128

/* A receive buffer's pages: one, or as many as the largest packet needs. */
#define NET_RX_PIECES_MAX 17

/* Frames start here in a page, so that the IP header is aligned; the header goes before it. */
#define NET_RX_FRAME_OFFSET 146
_Static_assert(sizeof(struct netdev_buffer) + NET_HEADER_HASH_BYTES <= NET_RX_FRAME_OFFSET,
               "a page has room for the record and the header");

/* More pieces than a device that fills its buffers ever needs. */
#define NET_RX_FRAME_PIECES_MAX 64

struct net_rx {
    struct virtqueue *queue;
    unsigned pieces; /* pages of a buffer */
    unsigned posted; /* buffers */
    unsigned target; /* to be posted */
    unsigned least;  /* bounds of target */
    unsigned most;
    uint64_t busy_ns; /* when so many buffers were last needed */
    /* A frame of which not all buffers came yet. */
    struct netdev_buffer *frame;
    struct netdev_buffer *tail;
    struct net_header header;
    unsigned left; /* buffers to come; 0: no frame is open */
    bool bad;      /* to be dropped */
};

struct net_slot {
    struct net_header header;
    struct virtio_sg sg;   /* of a frame that has room for its header */
    struct net_slot *next; /* free list */
    void *token;
};

struct net_tx {
    struct spinlock lock;
    struct virtqueue *queue;
    bool open; /* for senders: from DRIVER_OK until the device is reset */
    struct net_slot *slots;
    struct net_slot *free;
    unsigned in_flight;
    unsigned reap_at; /* in flight: take finished ones back first */
    bool stopped;     /* the user waits for room */
    bool paused;      /* frames are added, and that is all */
};

struct net_pair {
    struct net *net;
    unsigned index;
    struct netdev_stats *stats;
    struct net_rx rx;
    struct net_tx tx;
    struct timer timer; /* looks after finished frames and missing buffers */
    bool timer_armed;
    unsigned idle_rounds; /* of the timer, without progress */
    char rx_name[12], tx_name[12];
    bool has_coalescing; /* of its own, to be set again after a reset */
    struct netdev_coalescing coalescing;
};

struct net {
    struct virtio_device *dev;
    struct netdev netdev;
    unsigned header_bytes;
    unsigned nr_pairs; /* used */
    unsigned nr_made;  /* that exist: memory is kept */
    struct net_pair *pairs[NETDEV_QUEUES_MAX];
    struct virtqueue *control; /* NULL: none */
    struct waitqueue answers;
    struct net_message *message;
    uint64_t quiet_until_ns; /* until then bad frames are not logged */

    /* Settings, to be made again after a reset. */
    bool has_mac;    /* set by the user, or made up */
    bool has_filter; /* set by the user */
    struct netdev_filter filter;
    uint32_t vlans[4096 / 32];
    bool has_offloads;
    uint32_t offloads;
    bool has_coalescing;
    struct netdev_coalescing coalescing;
    /* Hashing, when the device offers it. */
    uint32_t hash_types;
    unsigned rss_key_bytes, rss_table_entries;
};

static inline struct net *to_net(struct netdev *netdev)
{
    return container_of(netdev, struct net, netdev);
}

/* ---- net_features.c ---- */

extern const int net_features[];
int net_check_features(struct virtio_device *dev, struct virtio_features *accepted);
/* The feature bits of offloads as enum netdev_caps, and back. */
uint32_t net_caps(const struct net *net);
uint64_t net_offload_bits(uint32_t caps);

/* ---- net_config.c ---- */

/* Read what the device says of itself into net->netdev.info. */
int net_read_config(struct net *net);
/* Link, speed and announcement; returns bits of enum netdev_event. */
int net_read_link(struct net *net, unsigned *events);

/* ---- net_queues.c ---- */

/* Memory for so many pairs; 0 or -ENOMEM. */
int net_make_pairs(struct net *net, unsigned nr);
int net_find_queues(struct net *net);
/* Let senders in. The device is live. */
void net_open_queues(struct net *net);
/* Complete what is in flight and free what is posted. The device was reset. */
void net_forget_queues(struct net *net);
/* Have the poll thread look after this pair in `ns`, or earlier if that is due anyway. */
void net_look_again(struct net_pair *pair, uint64_t ns);

/* ---- net_rx.c, net_rx_fill.c: the poll thread ---- */

void net_rx_init(struct net_pair *pair);
/* After frames were taken, maybe not all there are: how many buffers does this traffic need? */
void net_rx_adapt(struct net_rx *rx, bool more);
/* Provide buffers up to the target. Returns whether the device has any. */
bool net_rx_fill(struct net_pair *pair);
unsigned net_rx_take(struct net_pair *pair, unsigned budget, struct netdev_buffer **frames);
void net_rx_forget(struct net_pair *pair);

/* ---- net_rx_header.c ---- */

/* Describe a complete frame by its header. NULL, or why the header makes no sense. */
const char *net_rx_describe(const struct net *net, const struct net_header *header,
                            struct netdev_buffer *frame);

/* ---- net_tx.c ---- */

int net_transmit(struct netdev *netdev, unsigned queue, const struct netdev_tx *tx,
                 uint32_t length, bool more);
void net_flush(struct netdev *netdev, unsigned queue);
/* Poll thread: take back what is finished. */
void net_tx_poll(struct net_pair *pair);
bool net_tx_idle(struct netdev *netdev);
void net_tx_forget(struct net_pair *pair);
/* While it is paused frames wait in the ring; what was sent is not taken back. */
void net_tx_pause(struct net_pair *pair, bool paused);

/* ---- net_control.c, under the lock of the netdev ---- */

/* Send net->message with so many bytes of data. 0, -EIO: refused, -ENETDOWN, -ETIMEDOUT. */
int net_command(struct net *net, enum net_control_class command_class,
                enum net_control_command command, unsigned data_bytes);
/* The same with an answer of up to `room` bytes in net->message->result; gives its length. */
int net_query(struct net *net, enum net_control_class command_class,
              enum net_control_command command, unsigned data_bytes, unsigned room,
              unsigned *result_bytes);

/* ---- net_settings.c ---- */

int net_set_mac(struct netdev *netdev, const uint8_t *mac);
int net_set_filter(struct netdev *netdev, const struct netdev_filter *filter);
int net_set_vlan(struct netdev *netdev, uint16_t id, bool on);
int net_set_rx_offloads(struct netdev *netdev, uint32_t caps);
/* After a start of the device: what was set before. */
void net_restore_settings(struct net *net);

/* ---- net_coalescing.c, net_device_stats.c: as in struct netdev_ops ---- */

int net_set_coalescing(struct netdev *netdev, const struct netdev_coalescing *coalescing);
int net_set_queue_coalescing(struct netdev *netdev, unsigned queue,
                             const struct netdev_coalescing *coalescing);
int net_get_queue_coalescing(struct netdev *netdev, unsigned queue,
                             struct netdev_coalescing *coalescing);
void net_restore_coalescing(struct net *net);
int net_device_stats(struct netdev *netdev,
                     void (*fn)(void *arg, unsigned queue, const char *name, uint64_t value),
                     void *arg);

/* ---- net_steering.c ---- */

/* Make the device use net->nr_pairs pairs, and hash. Fewer pairs if it refuses. */
void net_set_pairs(struct net *net);

#endif
