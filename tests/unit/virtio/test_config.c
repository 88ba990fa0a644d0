/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration space: widths, generations, spaces that are too short.
 */
#include "fake.h"
#include <errno.h>
#include <string.h>

static struct fake *fake;

static void live(void)
{
    shim_boot(64 * MIB);
    fake = fake_live(8, NULL);
    for (unsigned i = 0; i < FAKE_CONFIG_MAX; i++)
        fake->config[i] = (uint8_t)(i + 1);
}

TEST_CASES(config_widths, 4)
{
    static const uint64_t want[] = {0x09, 0x0a09, 0x0c0b0a09, 0x100f0e0d0c0b0a09};
    uint64_t value = 0;
    unsigned width = 1u << test_case;

    live();
    CHECK_EQ(virtio_config_get(&fake->dev, 8, width, &value), 0);
    CHECK_EQ(value, want[test_case]);
    CHECK_EQ(virtio_config_put(&fake->dev, 16, width, ~value), 0);
    CHECK_EQ(virtio_config_get(&fake->dev, 16, width, &value), 0);
    CHECK_EQ(value, ~want[test_case] & (UINT64_MAX >> (64 - 8 * width)));
    CHECK_EQ(fake->config[16 + width], 16 + width + 1);
    CHECK_EQ(fake->config_writes, width == 8 ? 2 : 1);
}

TEST(config_beyond_the_space)
{
    uint64_t value;

    live();
    fake->config_size = 12;
    CHECK_EQ(virtio_config_get(&fake->dev, 8, 4, &value), 0);
    CHECK_EQ(virtio_config_get(&fake->dev, 12, 1, &value), -ERANGE);
    CHECK_EQ(virtio_config_get(&fake->dev, 8, 8, &value), -ERANGE);
    CHECK_EQ(virtio_config_put(&fake->dev, 12, 4, 1), -ERANGE);
    CHECK_EQ(virtio_config_put(&fake->dev, 8, 8, 1), -ERANGE);
}

TEST(config_never_settles)
{
    uint64_t value;

    live();
    fake->generation_step = 1;
    CHECK_EQ(virtio_config_get(&fake->dev, 8, 4, &value), -EIO);
    CHECK_EQ(shim_log_count("changes at every read"), 1);
}

/* Changes between the halves of one 64-bit read, once. */
static int tearing_read(struct virtio_device *dev, unsigned offset, unsigned width,
                        uint32_t *value)
{
    static unsigned reads;

    (void)dev;
    (void)width;
    *value = offset == 8 ? reads + 1 : reads;
    if (++reads == 1)
        fake->generation++;
    return 0;
}

TEST(config_torn_read_is_repeated)
{
    struct virtio_transport_ops ops;
    uint64_t value;

    live();
    ops = *fake->dev.ops;
    ops.config_read = tearing_read;
    fake->dev.ops = &ops;
    CHECK_EQ(virtio_config_get(&fake->dev, 8, 8, &value), 0);
    CHECK_EQ(value, (UINT64_C(3) << 32) | 3);
}

TEST_CASES(config_width_is_asserted, 2)
{
    uint64_t value;

    live();
    if (test_case == 0)
        EXPECT_PANIC("assertion", virtio_config_get(&fake->dev, 0, 3, &value));
    else
        EXPECT_PANIC("assertion", virtio_config_put(&fake->dev, 0, 16, 0));
}
