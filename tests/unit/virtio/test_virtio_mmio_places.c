/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where devices behind plain registers may be, as the command line says it.
 */
#include "shim.h"
#include "unit.h"
#include <errno.h>
#include <neap/virtio_mmio.h>

#define PHYS  UINT64_C(0xfeb00000)
#define BYTES 0x200u

static const struct {
    const char *value;
    int error;
} lines[] = {
    {"512@0xfeb00000:5", 0},
    {"4K@0xfeb00000:5:7", 0},
    {"255@0xfeb00000:5", -EINVAL},
    {"512@0xfeb00002:5", -EINVAL},
    {"512@0xffffffffffffff00:5", -EINVAL},
    {"512@0xfeb00000", -EINVAL},
    {"512", -EINVAL},
    {"", -EINVAL},
    {"much@0xfeb00000:5", -EINVAL},
    {"512@0xfeb00000:65536", -ERANGE},
    {"512@0x000000000000000000000000000feb00000:5", -EINVAL},
};

TEST_CASES(virtio_mmio_command_line, ARRAY_SIZE(lines))
{
    CHECK_EQ(shim_cmdline_set("virtio_mmio.device", lines[test_case].value),
             lines[test_case].error);
}

TEST(virtio_mmio_places)
{
    for (unsigned i = 0; i < 64; i++)
        CHECK_EQ(virtio_mmio_note(PHYS + i * BYTES, BYTES, 5), 0);
    CHECK_EQ(virtio_mmio_note(PHYS, BYTES, 5), 0); /* known */
    CHECK_EQ(virtio_mmio_note(PHYS - BYTES, BYTES, 5), -ENOSPC);
}
