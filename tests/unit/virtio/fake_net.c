/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's side of the network device.
 */
#include "fake_net.h"
#include <neap/endian.h>
#include <string.h>

struct fake_net wire;

struct net *wire_net(void)
{
    return wire.fake->dev.driver_data;
}

struct netdev *wire_netdev(void)
{
    return &wire_net()->netdev;
}

static unsigned header_bytes(void)
{
    return virtio_accepted(&wire.fake->dev, NET_F_HASH_REPORT) ? 20 : 12;
}

/* From the wire's byte order, or to it. */
static struct net_header swapped(const struct net_header *header)
{
    return (struct net_header){
        .flags = header->flags,
        .gso_type = header->gso_type,
        .header_length = le16(header->header_length),
        .gso_size = le16(header->gso_size),
        .csum_start = le16(header->csum_start),
        .csum_offset = le16(header->csum_offset),
        .num_buffers = le16(header->num_buffers),
        .hash_value = le32(header->hash_value),
        .hash_report = le16(header->hash_report),
        .reserved = le16(header->reserved),
    };
}

static void serve_tx(struct fake *fake, unsigned index)
{
    struct vringd_chain chain;

    while (!wire.hold && fake_pop(fake, index, &chain)) {
        static uint8_t buffer[sizeof(wire.frame) + 32];
        uint32_t bytes = 0;

        CHECK_EQ(chain.in, 0);
        for (unsigned i = 0; i < chain.out; i++) {
            CHECK(bytes + chain.pieces[i].length <= sizeof(buffer));
            memcpy(buffer + bytes, shim_phys(chain.pieces[i].phys), chain.pieces[i].length);
            bytes += chain.pieces[i].length;
        }
        CHECK(bytes >= header_bytes() + NETDEV_HEADER_BYTES);
        wire.header = (struct net_header){0};
        memcpy(&wire.header, buffer, header_bytes());
        wire.header = swapped(&wire.header);
        wire.length = bytes - header_bytes();
        memcpy(wire.frame, buffer + header_bytes(), wire.length);
        wire.queue = index / 2;
        wire.pieces = chain.out;
        wire.sent++;
        watch_sent(&wire, index);
        vringd_push(&fake->queues[index].ring, chain.head, 0);
    }
    if (!wire.hold && !wire.lazy)
        fake_interrupt(fake, index);
}

static void serve_control(struct fake *fake, unsigned index)
{
    struct vringd_chain chain;

    while (!wire.mute && fake_pop(fake, index, &chain)) {
        const uint8_t *command = shim_phys(chain.pieces[0].phys);

        CHECK_EQ(chain.out, 1);
        CHECK_EQ(chain.in, 1);
        CHECK(chain.pieces[0].length >= 2);
        wire.room = chain.pieces[1].length - 1;
        wire.result_bytes = 0;
        wire.data_bytes = chain.pieces[0].length - 2;
        memcpy(wire.data, command + 2, wire.data_bytes);
        CHECK(wire.commands < WIRE_HISTORY);
        wire.history[wire.commands++] = (uint16_t)(command[0] << 8 | command[1]);
        watch_command(&wire);
        if (wire.answer)
            wire.answer();
        if (wire.written)
            *(uint8_t *)shim_phys(chain.pieces[1].phys) = wire.ack;
        CHECK(wire.result_bytes <= wire.room);
        memcpy((uint8_t *)shim_phys(chain.pieces[1].phys) + 1, wire.result, wire.result_bytes);
        vringd_push(&fake->queues[index].ring, chain.head, wire.written + wire.result_bytes);
    }
    fake_interrupt(fake, index);
}

/* A device that was reset knows of one pair. */
static void forget(void)
{
    wire.pairs_on = 1;
}

void wire_create(uint64_t features, unsigned pairs, unsigned size)
{
    struct fake *fake = fake_create(VIRTIO_ID_NET);
    uint8_t config[24] = {0x52, 0x54, 0, 0x12, 0x34, 0x56, NET_STATUS_LINK_UP};

    memset(&wire, 0, sizeof(wire));
    memset(&user, 0, sizeof(user));
    wire.fake = fake;
    wire.max_pairs = pairs;
    wire.written = 1;
    fake->on_reset = forget;
    fake->offered.word[0] |= features;
    config[NET_CONFIG_MAX_PAIRS] = (uint8_t)pairs;
    config[NET_CONFIG_MTU] = 0xdc; /* 1500 */
    config[NET_CONFIG_MTU + 1] = 5;
    config[NET_CONFIG_SPEED] = 100;
    config[NET_CONFIG_DUPLEX] = 1;
    config[NET_CONFIG_RSS_KEY_MAX] = 40;
    config[NET_CONFIG_RSS_TABLE_MAX] = 128;
    config[NET_CONFIG_HASH_TYPES] = 0xff;
    memcpy(fake->config, config, sizeof(config));
    for (unsigned i = 0; i < 2 * pairs; i++) {
        fake->queues[i].max_size = size;
        if (i % 2)
            fake->queues[i].serve = serve_tx;
    }
    if (features & FEATURE(NET_F_CTRL_VQ)) {
        fake->queues[2 * pairs].max_size = 64;
        fake->queues[2 * pairs].serve = serve_control;
    }
}

void wire_boot(unsigned nr_cpus)
{
    shim_set_cpus(nr_cpus);
    shim_boot(128 * MIB);
    CHECK_EQ(virtio_device_add(&wire.fake->dev), 0);
    CHECK(wire.fake->dev.live);
    shim_settle();
}

void wire_start(uint64_t features)
{
    wire_create(features, 1, 64);
    wire_boot(1);
    user_open();
}

/* Put bytes into one popped buffer from its start. Returns how many fit. */
static uint32_t fill(const struct vringd_chain *chain, const uint8_t *bytes, uint32_t length)
{
    uint32_t done = 0;

    CHECK_EQ(chain->out, 0);
    for (unsigned i = 0; i < chain->in && done < length; i++) {
        uint32_t here = MIN(length - done, chain->pieces[i].length);

        memcpy(shim_phys(chain->pieces[i].phys), bytes + done, here);
        done += here;
    }
    return done;
}

bool wire_deliver(unsigned queue, struct net_header header, const uint8_t *frame,
                  uint32_t length)
{
    static uint8_t bytes[sizeof(wire.frame) + 32];
    static struct vringd_chain chains[WIRE_HISTORY];
    uint32_t lengths[WIRE_HISTORY], total = length + header_bytes(), done = 0;
    struct fake_queue *q = &wire.fake->queues[2 * queue];
    unsigned nr = 0;

    memcpy(bytes + header_bytes(), frame, length);
    while (done < total) {
        CHECK(nr < WIRE_HISTORY);
        if (!fake_pop(wire.fake, 2 * queue, &chains[nr]))
            return false;
        watch_receive_buffer(&wire, &chains[nr]);
        lengths[nr] = fill(&chains[nr], bytes + done, total - done);
        done += lengths[nr++];
        if (!virtio_accepted(&wire.fake->dev, NET_F_MRG_RXBUF))
            break;
    }
    header.num_buffers = (uint16_t)nr;
    header = swapped(&header);
    memcpy(bytes, &header, header_bytes());
    fill(&chains[0], bytes, header_bytes());
    for (unsigned i = 0; i < nr; i++)
        vringd_push(&q->ring, chains[i].head, lengths[i]);
    return done == total;
}

void wire_receive(unsigned queue, uint32_t length, unsigned seed)
{
    static uint8_t frame[sizeof(wire.frame)];

    make_frame(frame, length, seed);
    CHECK(wire_deliver(queue, (struct net_header){0}, frame, length));
    wire_interrupt(queue);
}

bool wire_push(unsigned queue, const struct net_header *header, uint32_t length)
{
    struct vringd_chain chain;

    if (!fake_pop(wire.fake, 2 * queue, &chain))
        return false;
    if (header) {
        struct net_header sent = swapped(header);

        fill(&chain, (const uint8_t *)&sent, header_bytes());
    }
    vringd_push(&wire.fake->queues[2 * queue].ring, chain.head, length);
    return true;
}

void wire_interrupt(unsigned queue)
{
    fake_interrupt(wire.fake, 2 * queue);
    shim_settle();
}

void wire_release(unsigned queue)
{
    wire.hold = false;
    serve_tx(wire.fake, 2 * queue + 1);
    shim_settle();
}

bool wire_heard(enum net_control_class command_class, enum net_control_command command)
{
    for (unsigned i = 0; i < wire.commands; i++)
        if (wire.history[i] == (uint16_t)(command_class << 8 | command))
            return true;
    return false;
}
