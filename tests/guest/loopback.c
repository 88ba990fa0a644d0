/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of drivers above devices made of software share; loopback.h says what for. */
#include "loopback.h"
#include "guest.h"
#include <neap/compiler.h>

void loopback_choose_rings(struct loopback *loopback, unsigned features)
{
    static const unsigned bits[] = {VIRTIO_F_RING_PACKED, VIRTIO_F_EVENT_IDX, VIRTIO_F_IN_ORDER,
                                    VIRTIO_F_INDIRECT_DESC, VIRTIO_F_NOTIFICATION_DATA};

    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
        loopback->offered.word[0] &= ~(UINT64_C(1) << bits[i]);
        if (features >> i & 1)
            virtio_features_set(&loopback->offered, bits[i]);
    }
    (void)virtio_restart(&loopback->dev);
}

bool loopback_has_failed(struct loopback *loopback)
{
    bool failed;

    mutex_lock(&loopback->lock);
    failed = !loopback->fail_at;
    loopback->fail_at = 0;
    mutex_unlock(&loopback->lock);
    return failed;
}

static bool plan_is_done(void *arg)
{
    return READ_ONCE(((struct loopback *)arg)->plan.times) == 0;
}

bool loopback_plan_is_done(struct loopback *loopback)
{
    return eventually(plan_is_done, loopback);
}

static bool was_reset(void *arg)
{
    return READ_ONCE(((struct loopback *)arg)->dev.resets) > 0;
}

bool loopback_was_reset(struct loopback *loopback)
{
    return eventually(was_reset, loopback);
}

uint64_t loopback_get_config(struct loopback *loopback, unsigned offset, unsigned bytes)
{
    uint64_t value = 0;

    mutex_lock(&loopback->lock);
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)loopback->config[offset + i] << (8 * i);
    mutex_unlock(&loopback->lock);
    return value;
}

void loopback_put_config(struct loopback *loopback, unsigned offset, unsigned bytes,
                         uint64_t value)
{
    uint8_t field[sizeof(value)];

    for (unsigned i = 0; i < bytes; i++)
        field[i] = (uint8_t)(value >> (8 * i));
    loopback_set_config(loopback, offset, field, bytes);
}
