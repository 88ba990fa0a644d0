/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IFC VFs: which functions they are, and what they do as network devices.
 */
#include "../../../drivers/pci/registers.h"
#include "fake_ifcvf.h"
#include "kernel.h"
#include <errno.h>
#include <neap/page.h>
#include <string.h>

static const struct {
    uint16_t device, subsystem_vendor, subsystem;
    const char *driver;
} ids[] = {
    {0x1041, 0x8086, 0x001a, "ifcvf"},  {0x1000, 0x8086, 0x0001, "ifcvf"},
    {0x1001, 0x8086, 0x0002, "ifcvf"},  {0x1041, 0x1af4, 0x001a, "virtio"},
    {0x1041, 0x8086, 0x0001, "virtio"}, {0x1000, 0x8086, 0x001a, "virtio"},
    {0x1041, 0x1af4, 0x1100, "virtio"},
};

/* The subsystem decides, whichever driver the linker puts first. */
TEST_CASES(ifcvf_ids, ARRAY_SIZE(ids))
{
    vf_create();
    fake_put16(model.fn, PCI_DEVICE_ID, ids[test_case].device);
    fake_put16(model.fn, PCI_SUBSYSTEM, ids[test_case].subsystem_vendor);
    fake_put16(model.fn, PCI_SUBSYSTEM + 2, ids[test_case].subsystem);
    model.ops = NULL;
    shim_boot(64 * MIB);
    CHECK(model_scan() != NULL);
    CHECK_EQ(strcmp(pci_nth(0)->driver, ids[test_case].driver), 0);
}

TEST(ifcvf_other_vendor)
{
    vf_create();
    fake_put16(model.fn, PCI_VENDOR_ID, 0x8086);
    shim_boot(64 * MIB);
    CHECK(model_scan() == NULL && pci_nth(0)->driver == NULL);
}

TEST(ifcvf_without_structures)
{
    vf_create();
    model.fn->config[PCI_CAPABILITY] = PCI_CAP_MSIX_AT;
    CHECK(vf_start() == NULL);
    CHECK_EQ(shim_log_count("ifcvf cannot use it: ENODEV"), 1);
}

TEST(ifcvf_moves_frames)
{
    struct virtio_device *dev;

    vf_create();
    dev = vf_start();
    CHECK(dev->live && !strcmp(dev->name, "net0 pci 00:05.0"));
    for (unsigned i = 0; i < 40; i++) {
        CHECK_EQ(vf_send(i), 0);
        vf_send_all();
        CHECK(vf.sent[i] == 1 && vf.completed[i] == 1);
        CHECK_EQ(vf_fetch(VF_RX, 1), 1);
        vf_complete(VF_RX, 1);
        vf_interrupt(VF_RX);
        CHECK_EQ(vf.received[i], 1);
    }
    CHECK_EQ(vf.misplaced, 0);
}

/* The platform's rules are accepted; who does not offer them is refused, as by other drivers.
 */
TEST_CASES(ifcvf_platform_features, 2)
{
    struct virtio_device *dev;

    vf_create();
    if (test_case)
        model.offered.word[0] &= ~FEATURE(VIRTIO_F_ACCESS_PLATFORM);
    dev = vf_start();
    CHECK_EQ(dev->live, !test_case);
    if (test_case) {
        CHECK_EQ(shim_log_count("does not offer VIRTIO_F_ACCESS_PLATFORM"), 1);
    } else {
        CHECK(model.accepted.word[0] & FEATURE(VIRTIO_F_ACCESS_PLATFORM));
        CHECK(model.accepted.word[0] & FEATURE(VIRTIO_F_ORDER_PLATFORM));
    }
}

/* A packed ring has no index that could tell a position. */
TEST_CASES(ifcvf_packed_ring, 2)
{
    vf_create();
    virtio_features_set(&model.offered, VIRTIO_F_RING_PACKED);
    if (test_case)
        fake_put32(model.fn, PCI_BAR0 + 4 * IFCVF_LM_BAR, 0);
    CHECK(vf_start()->live);
    CHECK_EQ(!!(model.accepted.word[0] & FEATURE(VIRTIO_F_RING_PACKED)), test_case);
}

/* Left-over positions in the registers are not where a fresh queue begins. */
TEST(ifcvf_begins_at_zero)
{
    vf_create();
    memset(vf.lm, 0x77, sizeof(vf.lm));
    CHECK(vf_start()->live);
    CHECK_EQ(vf.starts, 2);
    CHECK(vf.started_at[VF_RX] == 0 && vf.started_at[VF_TX] == 0);
    CHECK_EQ(virtio_restart(&((struct pci_transport *)pci_nth(0)->driver_data)->dev), 0);
    CHECK(vf.started_at[VF_RX] == 0 && vf.started_at[VF_TX] == 0);
}

static const struct {
    const char *value;
    int error;
} strides[] = {{"8", 0},          {"64", 0},       {"1K", 0},        {"0", -ERANGE},
               {"1032", -ERANGE}, {"12", -EINVAL}, {"many", -EINVAL}};

TEST_CASES(ifcvf_stride, ARRAY_SIZE(strides))
{
    CHECK_EQ(shim_cmdline_set("ifcvf_stride", strides[test_case].value),
             strides[test_case].error);
}

static int log_command(const char *name, const char *what)
{
    char command[] = "ifcvf", device[16], word[16];
    char *argv[] = {command, device, word};

    strcpy(device, name);
    strcpy(word, what);
    return run_words(3, argv);
}

static void receive_some(unsigned count)
{
    CHECK_EQ(vf_fetch(VF_RX, count), count);
    vf_complete(VF_RX, count);
    vf_interrupt(VF_RX);
}

static bool log_is_told(const struct ifcvf *ifcvf)
{
    uint64_t start = page_to_phys(ifcvf->log);

    return le_load(vf.lm + LM_LOG_START, 8) == start &&
           le_load(vf.lm + LM_LOG_END, 8) == start + 2 * MIB &&
           le_load(vf.lm + LM_CONTROL, 4) == LM_CONTROL_VF;
}

/* The device is told where the log is, again after a reset, and that it is over. */
TEST(ifcvf_dirty_log)
{
    struct ifcvf *ifcvf;

    vf_create();
    ifcvf = to_ifcvf(vf_start());
    receive_some(2);
    CHECK_EQ(log_command("net0", "on"), 0);
    CHECK(log_is_told(ifcvf));
    CHECK_EQ(log_command("net0", "on"), -EALREADY);
    CHECK_EQ(ifcvf_log_pages(ifcvf), 0);
    receive_some(3);
    CHECK_EQ(ifcvf_log_pages(ifcvf), 3);
    CHECK_EQ(virtio_renew(&ifcvf->pci.dev), 0);
    CHECK(log_is_told(ifcvf));
    receive_some(2);
    CHECK_EQ(ifcvf_log_pages(ifcvf), 5);
    CHECK_EQ(run_command("ifcvf", true), 0);
    CHECK_EQ(run_command("ifcvf", false), 0);
    CHECK_EQ(log_command("net0", "off"), 0);
    CHECK_EQ(le_load(vf.lm + LM_CONTROL, 4), LM_CONTROL_OFF);
    CHECK_EQ(ifcvf_log_pages(ifcvf), 0);
    CHECK_EQ(log_command("net0", "off"), -EALREADY);
}

TEST_CASES(ifcvf_command_refuses, 5)
{
    static const char *const words[][2] = {
        {"net", "on"}, {"net1", "on"}, {"net0", "maybe"}, {"", ""}, {"net0", "on"}};
    static const int errors[] = {-ENODEV, -ENODEV, -EINVAL, -EINVAL, -ENOTSUP};

    vf_create();
    if (test_case == 4)
        fake_put32(model.fn, PCI_BAR0 + 4 * IFCVF_LM_BAR, 0);
    CHECK(vf_start()->live);
    CHECK_EQ(log_command(words[test_case][0], words[test_case][1]), errors[test_case]);
}
