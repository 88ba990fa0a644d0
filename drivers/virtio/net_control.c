/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands on the control queue, one at a time. A device that does not answer in
 * VIRTIO_ANSWER_SECONDS is reset.
 */
#include "net.h"
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/page.h>
#include <neap/panic.h>

enum net_ack {
    NET_ACK_OK = 0,
    NET_ACK_NONE = 0xff, /* a value that no device gives */
};

int net_query(struct net *net, enum net_control_class command_class,
              enum net_control_command command, unsigned data_bytes, unsigned room,
              unsigned *result_bytes)
{
    struct net_message *message = net->message;
    const struct virtio_sg sg[] = {
        {virt_to_phys(message), (uint32_t)offsetof(struct net_message, data) + data_bytes},
        {virt_to_phys(&message->ack), (uint32_t)sizeof(message->ack) + room},
    };
    uint32_t length = 0;
    uint8_t ack;
    int error;

    ASSERT(data_bytes <= sizeof(message->data) && room <= sizeof(message->result));
    if (!net->control)
        return -ENOTSUP;
    message->command_class = (uint8_t)command_class;
    message->command = (uint8_t)command;
    message->ack = NET_ACK_NONE;
    if (virtqueue_add(net->control, sg, 1, 1, message))
        return -ENETDOWN;
    virtqueue_kick(net->control);
    error = virtqueue_wait(net->control, &net->answers);
    if (error)
        return error == -ETIMEDOUT ? error : -ENETDOWN;
    if (!virtqueue_take(net->control, &length))
        return -ENETDOWN;
    ack = READ_ONCE(message->ack);
    if (length >= sizeof(ack) && ack == NET_ACK_OK) {
        *result_bytes = length - (uint32_t)sizeof(ack);
        return 0;
    }
    log_warning("net", "%s: refuses command %u of class %u", net->dev->name, command,
                command_class);
    return -EIO;
}

int net_command(struct net *net, enum net_control_class command_class,
                enum net_control_command command, unsigned data_bytes)
{
    unsigned none;

    return net_query(net, command_class, command, data_bytes, 0, &none);
}
