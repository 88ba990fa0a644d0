/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IFC VFs that lie, or lack what it takes: the frames are lost as in any reset, and the guest
 * goes on.
 */
#include "../../../drivers/pci/registers.h"
#include "../../../drivers/virtio/net.h"
#include "fake_ifcvf.h"
#include "kernel.h"
#include <errno.h>
#include <string.h>

static struct virtio_device *dev;

static void start(void)
{
    dev = vf_start();
    CHECK(dev && dev->live);
}

static void spoil(unsigned how)
{
    struct ring_used {
        uint16_t flags, index;
    } *used = shim_phys(model.queues[VF_TX].areas[2]);

    switch (how) {
    case 0: /* it has read what was never offered */
        vf.lie = 100;
        break;
    case 1: /* less than it has used */
        vf.lie = (uint16_t)-5;
        break;
    case 2:
        vf.lie = 0x8000;
        break;
    case 3: /* used more than there was */
        le_store(&used->index, 2, 1000);
        break;
    case 4: /* another device comes out of the reset */
        vf.forgets_a_bit = true;
        break;
    case 5:
        model.refuses_size = true;
        break;
    }
}

TEST_CASES(ifcvf_lies, 6)
{
    static const char *const reasons[] = {"read what was not offered",
                                          "read what was not offered",
                                          "read what was not offered",
                                          "used index runs ahead",
                                          "other features",
                                          "starts anew"};

    vf_create();
    start();
    for (unsigned i = 0; i < 8; i++)
        CHECK_EQ(vf_send(i), 0);
    vf_fetch(VF_TX, 6);
    vf_complete(VF_TX, 4);
    spoil(test_case);
    (void)vf_keep();
    CHECK(shim_log_count(reasons[test_case]) >= 1);
    CHECK_EQ(shim_log_count("starts anew"), 1);
    CHECK_EQ(dev->live, test_case != 5);
    for (unsigned i = 0; i < 8; i++)
        CHECK_EQ(vf.completed[i], 1); /* each token is back */
}

/* Out of turn an index says nothing; in turn again it does. */
TEST_CASES(ifcvf_out_of_order, 2)
{
    vf_create();
    start();
    for (unsigned i = 0; i < 8; i++)
        CHECK_EQ(vf_send(i), 0);
    vf_fetch(VF_TX, 4);
    vf.out_of_order = true;
    vf_complete(VF_TX, test_case ? 4 : 2);
    vf.out_of_order = false;
    if (test_case)
        vf_send_all();
    CHECK_EQ(vf_keep(), 0);
    CHECK_EQ(shim_log_count("does not use buffers in turn"), !test_case);
    CHECK(dev->live);
}

/* Registers that are not there, too short, or of an unknown layout: nothing is touched. */
static const struct {
    unsigned lm_size; /* of BAR 4; 0: none */
    bool control;     /* there is a third queue */
    const char *stride;
    bool keeps;
    const char *message;
} layouts[] = {
    {0, false, NULL, false, "without registers for live migration"},
    {0x20, false, NULL, false, "without registers for live migration"},
    {0x40, false, NULL, true, NULL},
    {0x1000, true, NULL, false, "say ifcvf_stride="},
    {0x1000, true, "64", true, NULL},
    {0x1000, true, "8", true, NULL},
    {0x40, true, "8", true, NULL},
    {0x40, true, "64", false, "where the state of queue 2 is"},
};

TEST_CASES(ifcvf_layouts, ARRAY_SIZE(layouts))
{
    unsigned resets;

    vf_create();
    if (layouts[test_case].control)
        model.offered.word[0] |= FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_CTRL_RX);
    if (layouts[test_case].stride) {
        CHECK_EQ(shim_cmdline_set("ifcvf_stride", layouts[test_case].stride), 0);
        vf.stride = !strcmp(layouts[test_case].stride, "8") ? 8 : 64;
    }
    fake_bar(model.fn, IFCVF_LM_BAR, layouts[test_case].lm_size ? VF_LM_PHYS : 0,
             MAX(layouts[test_case].lm_size, 16u), false);
    vf.no_lm = layouts[test_case].lm_size <= 0x20;
    start();
    CHECK_EQ(vf_send(0), 0);
    resets = vf.resets;
    CHECK_EQ(vf_keep(), layouts[test_case].keeps ? 0 : -ENOTSUP);
    CHECK_EQ(vf.resets, resets + layouts[test_case].keeps);
    if (layouts[test_case].message)
        CHECK_EQ(shim_log_count(layouts[test_case].message), 1);
    vf_send_all();
    CHECK(vf.sent[0] == 1 && vf.completed[0] == 1);
}

/* Those that have no such registers, and those that are not in use. */
TEST(ifcvf_only)
{
    char command[] = "reset", name[] = "virtio0", word[] = "keep", other[] = "now";
    char *argv[] = {command, name, word};

    model_create();
    shim_boot(64 * MIB);
    CHECK(model_scan()->live);
    CHECK_EQ(run_words(3, argv), -ENOTSUP);
    CHECK_EQ(script.quiesces, 0);
    argv[2] = other;
    CHECK_EQ(run_words(3, argv), -EINVAL);
    CHECK_EQ(run_command("ifcvf", false), -ENODEV);
}
