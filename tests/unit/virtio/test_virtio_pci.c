/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI transport: capabilities, interrupts, notifications, resets.
 */
#include "../../../drivers/pci/registers.h"
#include "../../../drivers/virtio/pci_transport.h"
#include "fake_pci.h"
#include "kernel.h"
#include <errno.h>
#include <neap/alloc.h>
#include <string.h>

static struct virtio_device *dev;

static void start(void)
{
    shim_boot(64 * MIB);
    dev = model_scan();
}

static void expect_live(void)
{
    start();
    CHECK(dev && dev->live);
    CHECK_EQ(model.status, 15);
}

static void expect_dead(const char *message)
{
    start();
    CHECK(!dev || !dev->live);
    CHECK_EQ(shim_log_count(message), 1);
}

static unsigned cap_at(unsigned n)
{
    return PCI_CAP_FIRST + n * PCI_CAP_STEP;
}

TEST(virtio_pci_comes_up)
{
    model_create();
    model.offered.word[1] = UINT64_C(1) << (70 - 64);
    expect_live();
    CHECK_EQ(strcmp(dev->name, "virtio0 pci 00:05.0"), 0);
    CHECK_EQ(strcmp(pci_nth(0)->driver, "virtio"), 0);
    CHECK_EQ(model.accepted.word[0], UINT64_C(1) << VIRTIO_F_VERSION_1);
    CHECK_EQ(model.accepted.word[1], UINT64_C(1) << (70 - 64));
    CHECK_EQ(fake_get16(model.fn, PCI_COMMAND) & 7, 7);
    for (unsigned i = 0; i < PCI_QUEUES; i++) {
        CHECK_EQ(model.queues[i].enabled, 1);
        CHECK_EQ(model.queues[i].vector, i + 1);
        CHECK(model.queues[i].areas[0] && model.queues[i].areas[1] > model.queues[i].areas[0]);
    }
    CHECK_EQ(model.config_vector, 0);
}

static const struct {
    uint16_t pci_id;
    const char *name;
} ids[] = {
    {0x1000, "net0 pci 00:05.0"},
    {0x1002, "balloon0 pci 00:05.0"},
    {0x1045, "balloon0 pci 00:05.0"},
    {0x1058, "mem0 pci 00:05.0"},
    {0x107f, "virtio0 pci 00:05.0"},
    {0x1080, NULL},
    {0x1040, NULL},
    {0x1030, NULL},
};

TEST_CASES(virtio_pci_ids, ARRAY_SIZE(ids))
{
    model_create();
    fake_put16(model.fn, PCI_DEVICE_ID, ids[test_case].pci_id);
    model.fn->config[PCI_REVISION] = 77;
    fake_put32(model.fn, 0x2c, 0xdeadbeef); /* the subsystem */
    start();
    CHECK_EQ(dev != NULL, ids[test_case].name != NULL);
    if (dev)
        CHECK_EQ(strcmp(dev->name, ids[test_case].name), 0);
}

TEST(virtio_pci_other_vendor)
{
    model_create();
    fake_put16(model.fn, PCI_VENDOR_ID, 0x1af5);
    start();
    CHECK(dev == NULL && pci_nth(0)->driver == NULL);
}

TEST(virtio_pci_legacy_only)
{
    model_create();
    model.fn->config[PCI_CAPABILITY] = PCI_CAP_MSIX_AT;
    expect_dead("legacy devices are not supported");
    CHECK_EQ(shim_log_count("virtio cannot use it: ENODEV"), 1);
}

/* Breaks one capability: 0 to 2 must exist, 3 may be absent. */
static void spoil(unsigned n, unsigned how)
{
    unsigned at = cap_at(n);

    switch (how) {
    case 0: /* a type that is reserved */
        model.fn->config[at + 3] = 77;
        break;
    case 1: /* a BAR that does not exist */
        model.fn->config[at + 4] = 6;
        break;
    case 2: /* an absent BAR */
        model.fn->config[at + 4] = 2;
        break;
    case 3: /* begins inside, ends outside */
        fake_put32(model.fn, at + 12, PCI_BAR_SIZE + 1);
        break;
    case 4: /* wraps at 32 bits */
        fake_put32(model.fn, at + 8, 0xfffff000);
        fake_put32(model.fn, at + 12, 0x2000);
        break;
    case 5: /* too short */
        fake_put32(model.fn, at + 12, n == 0 ? 55 : n == 1 ? 1 : 0);
        break;
    case 6: /* the capability itself is too short */
        model.fn->config[at + 2] = 15;
        break;
    }
}

TEST_CASES(virtio_pci_hostile_capabilities, 21)
{
    static const char *const names[] = {"no common registers", "no notify registers",
                                        "no ISR registers"};

    model_create();
    spoil(test_case / 7, test_case % 7);
    expect_dead(names[test_case / 7]);
}

TEST(virtio_pci_unaligned_common)
{
    model_create();
    fake_put32(model.fn, cap_at(0) + 8, 2);
    expect_dead("no common registers");
}

/* PCI-010: a usable instance behind one of no use, and the first of two usable ones. */
TEST(virtio_pci_first_usable_instance)
{
    uint8_t *cap;

    model_create();
    spoil(0, 2);
    cap = fake_capability(model.fn, PCI_CAP_MSIX_AT, 0xc0, 9);
    cap[2] = 16;
    cap[3] = 1;
    cap[4] = 4;
    fake_put32(model.fn, 0xc0 + 12, 0x100); /* longer than needed: PCI-014 */
    cap = fake_capability(model.fn, 0xc0, 0xe0, 9);
    cap[2] = 16;
    cap[3] = 1;
    cap[4] = 4;
    fake_put32(model.fn, 0xe0 + 8, 0x800);
    fake_put32(model.fn, 0xe0 + 12, 0x100);
    expect_live();
}

/* The multiplier of a notify capability at 0xec is the last word; at 0xf0 it is outside. */
TEST_CASES(virtio_pci_capability_at_the_end, 2)
{
    unsigned at = test_case ? 0xf0 : 0xec;
    uint8_t *cap;

    model_create();
    spoil(1, 0);
    cap = fake_capability(model.fn, PCI_CAP_MSIX_AT, at, 9);
    cap[2] = 20;
    cap[3] = 2;
    cap[4] = 4;
    fake_put32(model.fn, at + 8, 0x3000);
    fake_put32(model.fn, at + 12, 0x1000);
    if (test_case)
        expect_dead("no notify registers");
    else
        expect_live();
}

/* PCI-011, PCI-013, PCI-014: longer than anything we know is fine, and is not mapped as a
 * whole. */
TEST(virtio_pci_long_structures)
{
    model_create();
    fake_bar(model.fn, 4, PCI_BAR_PHYS, 0x400000, true);
    for (unsigned n = 0; n < 3; n++)
        fake_put32(model.fn, cap_at(n) + 12, 0x1000);
    fake_put32(model.fn, cap_at(3) + 12, 0x300000);
    expect_live();
    CHECK_EQ(container_of(dev, struct pci_transport, dev)->config_where.length, 4096);
}

TEST(virtio_pci_no_device_config)
{
    uint64_t value;

    model_create();
    spoil(3, 0);
    expect_live();
    CHECK_EQ(virtio_config_get(dev, 0, 1, &value), -ERANGE);
    CHECK_EQ(virtio_config_put(dev, 0, 1, 0), -ERANGE);
}

TEST(virtio_pci_device_config)
{
    uint64_t value;

    model_create();
    expect_live();
    for (unsigned i = 0; i < 16; i++)
        model.config[i] = (uint8_t)i;
    for (unsigned width = 1; width <= 8; width *= 2) {
        CHECK_EQ(virtio_config_get(dev, 8, width, &value), 0);
        CHECK_EQ(value, UINT64_C(0x0f0e0d0c0b0a0908) & (UINT64_MAX >> (64 - 8 * width)));
        CHECK_EQ(virtio_config_put(dev, 0, width, value), 0);
        CHECK_EQ(memcmp(model.config, model.config + 8, width), 0);
    }
    CHECK_EQ(virtio_config_get(dev, 16, 1, &value), -ERANGE);
}

static void kick(unsigned index)
{
    struct virtio_sg sg = {0x1000, 16};

    CHECK_EQ(virtqueue_add(script.queues[index], &sg, 1, 0, &script), 0);
    virtqueue_kick(script.queues[index]);
}

TEST_CASES(virtio_pci_notify, 3)
{
    static const uint32_t multipliers[] = {0, 2, 4};

    model_create();
    fake_put32(model.fn, cap_at(1) + 16, multipliers[test_case]);
    if (test_case == 2)
        virtio_features_set(&model.offered, VIRTIO_F_NOTIFICATION_DATA);
    expect_live();
    for (unsigned i = 0; i < PCI_QUEUES; i++) {
        kick(i);
        CHECK_EQ(model.notify_count, i + 1);
        CHECK_EQ(model.notify_at, i * multipliers[test_case]);
        CHECK_EQ(model.notify_width, test_case == 2 ? 4 : 2);
        CHECK_EQ(model.notify_value, test_case == 2 ? 0x10000 | i : i);
        CHECK_EQ(last_event.reason, TRACE_KICK);
        CHECK_EQ(last_event.code, i);
        CHECK(last_event.address && last_event.pc);
        CHECK(last_event.begin_ns <= last_event.end_ns);
    }
}

TEST_CASES(virtio_pci_notify_outside, 4)
{
    model_create();
    if (test_case == 0)
        model.queues[1].notify_offset = 0x400;
    else if (test_case == 1)
        fake_put32(model.fn, cap_at(1) + 16, 0xffffffff);
    else if (test_case == 3)
        fake_put32(model.fn, cap_at(1) + 16, 0x10000);
    else
        fake_put32(model.fn, cap_at(1) + 12, 0x9); /* queue 2 at 8 needs 2 bytes */
    expect_dead("is outside its area");
}

TEST(virtio_pci_ring_above_4_gib)
{
    const struct virtqueue_areas areas = {0x123456789000, 0x9abcdef0000, 0xfedcba98000};

    model_create();
    expect_live();
    CHECK_EQ(dev->ops->reset(dev), 0);
    CHECK_EQ(dev->ops->queue_enable(dev, 1, 8, &areas), 0);
    CHECK_EQ(memcmp(model.queues[1].areas, &areas, sizeof(areas)), 0);
    CHECK_EQ(model.queues[1].size, 8);
}

TEST(virtio_pci_queue_size_refused)
{
    model_create();
    model.refuses_size = true;
    expect_dead("cannot be enabled");
}

/* RESET-001, PCI-025: nothing is done to a device before its status reads 0. */
TEST(virtio_pci_reset_takes_time)
{
    model_create();
    model.status = 15;
    model.reset_reads = 20;
    expect_live();
}

TEST(virtio_pci_reset_hangs)
{
    model_create();
    model.status = 15;
    model.status_sticks = true;
    expect_dead("cut off");
    CHECK_EQ(fake_get16(model.fn, PCI_COMMAND) & 6, 0);
}

/* A device that stops obeying later loses its way to memory, too. */
TEST(virtio_pci_reset_hangs_later)
{
    model_create();
    expect_live();
    model.status_sticks = script.device_hangs = true;
    virtio_device_misbehaved(dev, "a test says so");
    shim_advance(UINT64_C(5000000000));
    CHECK(!dev->live && dev->fault);
    CHECK_EQ(fake_get16(model.fn, PCI_COMMAND) & 6, 0);
    CHECK_EQ(script.quiesces, 1);
}

TEST(virtio_pci_recovers)
{
    model_create();
    expect_live();
    for (unsigned i = 0; i < 3; i++) {
        virtio_device_misbehaved(dev, "a test says so");
        shim_settle();
        CHECK(dev->live);
        kick(2);
        CHECK_EQ(model.notify_count, i + 1);
        CHECK(model_raise(3));
    }
}

TEST_CASES(virtio_pci_injected_failures, 12)
{
    model_create();
    shim_boot(64 * MIB);
    alloc_inject_failure(test_case + 1, test_case & 1);
    fake_pci_install();
    pci_init();
    alloc_inject_failure(0, 0);
    if (!pci_count() || !pci_nth(0)->driver_data)
        CHECK(shim_log_count("no memory") + shim_log_count("ENOMEM") > 0);
}
