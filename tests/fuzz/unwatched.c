/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests watch what drivers write; inputs change that memory themselves, and want speed.
 */
#include "fake.h"
#include "fake_net.h"

void watch_status(const struct fake *fake UNUSED, uint8_t status UNUSED)
{
}

void watch_features(const struct fake *fake UNUSED,
                    const struct virtio_features *accepted UNUSED)
{
}

void watch_config(const struct fake *fake UNUSED, unsigned offset UNUSED, unsigned width UNUSED,
                  bool write UNUSED)
{
}

void watch_new_ring(struct fake *fake UNUSED, unsigned index UNUSED)
{
}

void watch_ring(struct fake *fake UNUSED, unsigned index UNUSED)
{
}

void watch_buffer(struct fake *fake UNUSED, unsigned index UNUSED, uint32_t head UNUSED,
                  uint16_t place UNUSED)
{
}

void watch_notification(struct fake *fake UNUSED, unsigned index UNUSED, uint32_t data UNUSED)
{
}

void watch_sent(struct fake_net *net UNUSED, unsigned index UNUSED)
{
}

void watch_command(struct fake_net *net UNUSED)
{
}

void watch_receive_buffer(const struct fake_net *net UNUSED,
                          const struct vringd_chain *chain UNUSED)
{
}
