/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IFC VFs that are reset under their driver: every frame goes once and comes once.
 */
#include "../../../drivers/pci/registers.h"
#include "../../../drivers/virtio/net.h"
#include "fake_ifcvf.h"
#include <errno.h>
#include <neap/timer.h>
#include <string.h>

static struct virtio_device *dev;

static void start(void)
{
    dev = vf_start();
    CHECK(dev && dev->live);
}

static void expect_each_once(const unsigned *counts, unsigned frames)
{
    for (unsigned i = 0; i < VF_FRAMES; i++)
        CHECK_EQ(counts[i], i < frames);
}

/*
 * The device has read buffers of both queues and is done with some of them, of which the driver
 * knows or not; both layouts of the state; with an index of wishes and without.
 */
TEST_CASES(ifcvf_keeps_what_is_in_flight, 8)
{
    vf_create();
    vf.both_indices = test_case & 1;
    if (test_case & 4)
        virtio_features_set(&model.offered, VIRTIO_F_EVENT_IDX);
    start();
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(vf_send(i), 0);
    CHECK_EQ(vf_fetch(VF_TX, 6), 6);
    CHECK_EQ(vf_complete(VF_TX, 4), 4);
    CHECK_EQ(vf_fetch(VF_RX, 5), 5);
    CHECK_EQ(vf_complete(VF_RX, 2), 2);
    if (test_case & 2)
        vf_interrupt(VF_RX);
    CHECK_EQ(vf_keep(), 0);
    CHECK_EQ(vf.stops, 2);
    CHECK(vf.started_at[VF_TX] == 4 && vf.started_at[VF_RX] == 2);
    CHECK(dev->live && model.status == 15);
    CHECK_EQ(vf_net()->netdev.queues[0].stats.tx_lost, 0);
    CHECK_EQ(shim_log_count("goes on where it was"), 1);
    expect_each_once(vf.received, 2);
    expect_each_once(vf.completed, 4);
    vf_send_all();
    vf_fetch(VF_RX, 3);
    vf_complete(VF_RX, 3);
    vf_interrupt(VF_RX);
    expect_each_once(vf.sent, 10);
    expect_each_once(vf.completed, 10);
    expect_each_once(vf.received, 5);
    CHECK_EQ(vf.misplaced, 0);
}

/* The device hears of what it had been told before, or it would wait for ever. */
TEST(ifcvf_is_notified_again)
{
    vf_create();
    start();
    CHECK_EQ(vf_send(0), 0);
    model.notify_count = 0;
    CHECK_EQ(vf_keep(), 0);
    CHECK(model.notify_count >= 2);
}

/* Through the end of 16 bits, with everything left to chance. */
TEST(ifcvf_keeps_many_times)
{
    unsigned sent = 0, done = 0, received = 0;

    vf_create();
    vf.both_indices = unit_random() & 1;
    start();
    while (vf.started_at[VF_TX] < 0xff00 || vf.stops < 4) {
        for (unsigned i = unit_random_below(10); i && !vf_send(sent % VF_FRAMES); i--)
            sent++;
        vf_fetch(VF_TX, (unsigned)unit_random_below(12));
        done += vf_complete(VF_TX, (unsigned)unit_random_below(12));
        vf_fetch(VF_RX, (unsigned)unit_random_below(12));
        received += vf_complete(VF_RX, (unsigned)unit_random_below(12));
        vf_interrupt(VF_RX);
        if (!unit_random_below(8))
            CHECK_EQ(vf_keep(), 0);
        else
            shim_advance(5 * NS_PER_MS);
        CHECK_EQ(vf.misplaced, 0);
    }
    for (unsigned i = 0; i < 300; i++) {
        CHECK_EQ(vf_send(sent++ % VF_FRAMES), 0);
        vf_send_all();
        CHECK_EQ(vf_keep(), 0);
    }
    vf_send_all();
    CHECK(vf.started_at[VF_TX] < 0xff00);
    for (unsigned i = 0; i < VF_FRAMES; i++) {
        CHECK_EQ(vf.sent[i], sent / VF_FRAMES + (i < sent % VF_FRAMES));
        CHECK_EQ(vf.completed[i], vf.sent[i]);
        CHECK_EQ(vf.received[i], received / VF_FRAMES + (i < received % VF_FRAMES));
    }
    CHECK(done <= sent && vf.misplaced == 0);
    CHECK_EQ(shim_log_count("starts anew"), 0);
}

/* Whatever vectors there are, they are attached again and their interrupts arrive. */
TEST_CASES(ifcvf_vector_policies, 4)
{
    static const struct {
        unsigned table, vectors;
        unsigned queue_vector[2];
        const char *name;
    } cases[] = {
        {16, 16, {1, 2}, "MSI-X, one for each queue"},
        {2, 16, {1, 1}, "MSI-X, one for all queues"},
        {16, 2, {1, 1}, "MSI-X, one for all queues"},
        {1, 16, {0, 0}, "MSI-X, one for everything"},
    };

    vf_create();
    model.fn->config[PCI_CAP_MSIX_AT + 2] = (uint8_t)(cases[test_case].table - 1);
    model.vectors = cases[test_case].vectors;
    start();
    for (unsigned i = 0; i < 6; i++) {
        CHECK_EQ(strcmp(dev->interrupts, cases[test_case].name), 0);
        CHECK_EQ(model.config_vector, 0);
        CHECK_EQ(model.queues[VF_RX].vector, cases[test_case].queue_vector[0]);
        CHECK_EQ(model.queues[VF_TX].vector, cases[test_case].queue_vector[1]);
        CHECK_EQ(vf_fetch(VF_RX, 2), 2);
        vf_complete(VF_RX, 2);
        CHECK(model_raise(model.queues[VF_RX].vector));
        shim_settle();
        CHECK_EQ(vf.received[2 * i + 1], 1);
        CHECK_EQ(vf_keep(), 0);
    }
}

/* A link that went down meanwhile, with no interrupt to say so. */
TEST(ifcvf_keep_reads_the_configuration)
{
    vf_create();
    start();
    model.config[6] = 0;
    CHECK_EQ(vf_keep(), 0);
    CHECK(!vf_net()->netdev.info.link);
}

/* What is sent while it is stopped waits in the ring, and nobody tells the device. */
static bool send_while_stopped(unsigned queue)
{
    static unsigned number;

    (void)queue;
    CHECK_EQ(vf_send(number), 0);
    CHECK(vf_net()->pairs[0]->tx.in_flight == ++number);
    netdev_flush(&vf_net()->netdev, 0);
    return true;
}

TEST(ifcvf_sends_later)
{
    struct pci_model_ops ops;

    vf_create();
    ops = *model.ops;
    ops.stopped = send_while_stopped;
    start();
    model.ops = &ops;
    CHECK_EQ(vf_keep(), 0);
    vf_send_all();
    expect_each_once(vf.sent, 2);
    expect_each_once(vf.completed, 2);
}

/* What broke before cannot be kept, and is reset by those who reported it, too. */
TEST(ifcvf_broken_queues)
{
    vf_create();
    start();
    CHECK_EQ(vf_send(0), 0);
    virtio_device_misbehaved(dev, "a test says so");
    CHECK_EQ(virtio_renew(dev), 0);
    CHECK_EQ(shim_log_count("cannot go on where it was: EIO"), 1);
    shim_settle();
    CHECK(dev->live && vf.completed[0] == 1);
}

/* It needs its time, and gets it; but not for ever. */
TEST_CASES(ifcvf_stops_slowly, 2)
{
    vf_create();
    vf.slow = test_case ? 200 : 50;
    start();
    CHECK_EQ(vf_keep(), 0);
    CHECK_EQ(shim_log_count("cannot go on where it was: ETIMEDOUT"), test_case);
    CHECK(dev->live);
}

/* Settings that a reset takes are made again, through a queue that goes on in its middle. */
TEST(ifcvf_settings_are_made_again)
{
    static const struct netdev_filter filter = {.promiscuous = true};
    unsigned position;

    vf_create();
    model.offered.word[0] |= FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_CTRL_RX);
    CHECK_EQ(shim_cmdline_set("ifcvf_stride", "64"), 0);
    start();
    CHECK_EQ(netdev_set_filter(&vf_net()->netdev, &filter), 0);
    CHECK_EQ(vf_keep(), 0);
    position = vf.started_at[VF_CONTROL];
    CHECK(position > 0);
    CHECK_EQ(vf_keep(), 0);
    CHECK_EQ(vf.started_at[VF_CONTROL], 2 * position);
}
