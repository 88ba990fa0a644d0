/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching status, features and configuration. The tables are written from virtio 1.4, not from
 * the drivers'.
 */
#include "fake.h"
#include "watch.h"

#define NONE -1

/* ---- status ---- */

static const uint8_t in_order[] = {VIRTIO_STATUS_ACKNOWLEDGE, VIRTIO_STATUS_DRIVER,
                                   VIRTIO_STATUS_FEATURES_OK, VIRTIO_STATUS_DRIVER_OK};

void watch_status(const struct fake *fake, uint8_t status)
{
    uint8_t set = status & (uint8_t)~fake->status, before = 0;

    CHECK_EQ(fake->status & ~status, 0);           /* STATUS-002 */
    CHECK(fake->resets > 0);                       /* INIT-001 */
    CHECK(!(fake->status & VIRTIO_STATUS_FAILED)); /* STATUS-003 */
    if (set == VIRTIO_STATUS_FAILED)
        return;
    /* INIT-002 to -011: one after the other; SUSPEND-001, -002: and nothing else. */
    for (unsigned i = 0; i < ARRAY_SIZE(in_order); i++) {
        if (set == in_order[i]) {
            CHECK_EQ(fake->status & ~VIRTIO_STATUS_NEEDS_RESET, before);
            CHECK(set != VIRTIO_STATUS_FEATURES_OK || fake->has_features);
            return;
        }
        before |= in_order[i];
    }
    CHECK_EQ(set, 0);
}

/* ---- features ---- */

/* Of a device type, in word 0; test devices have 3 and 70. */
static const struct {
    unsigned device;
    uint64_t known;
} types[] = {
    {VIRTIO_ID_NET, UINT64_C(0xfbfc000000ffffaf)},
    {VIRTIO_ID_BALLOON, 0x3f},
    {VIRTIO_ID_MEM, 7},
    {VIRTIO_ID_BLOCK, 0x37e76},
    {TEST_DEVICE_ID, 1u << 3},
};

/* Of every type, behind this transport: rings, VERSION_1, the platform's two. */
#define COMMON_FEATURES (UINT64_C(0x5f) << 32 | 3u << 28)

/* NET-DEP-001 to -026, NET-014, NET-015: a feature, and one of two that it needs. */
static const struct {
    unsigned feature;
    int needs, or_else;
} net_needs[] = {
    {7, 1, NONE},   {8, 1, NONE},   {9, 7, 8},      {10, 1, NONE},  {54, 1, NONE},
    {55, 1, NONE},  {65, 7, NONE},  {65, 8, NONE},  {65, 54, NONE}, {65, 55, NONE},
    {66, 65, NONE}, {11, 0, NONE},  {12, 0, NONE},  {13, 11, 12},   {14, 0, NONE},
    {56, 0, NONE},  {67, 11, NONE}, {67, 12, NONE}, {67, 56, NONE}, {68, 67, NONE},
    {18, 17, NONE}, {19, 17, NONE}, {20, 17, NONE}, {21, 17, NONE}, {22, 17, NONE},
    {23, 17, NONE}, {53, 17, NONE}, {57, 17, NONE}, {60, 17, NONE}, {52, 17, NONE},
    {51, 17, NONE}, {51, 60, 57},   {64, 17, NONE}, {64, 60, NONE}, {61, 11, 12},
};

static bool has(const struct virtio_features *features, int bit)
{
    return bit != NONE && virtio_features_test(features, (unsigned)bit);
}

static void check_known(const struct fake *fake, const struct virtio_features *accepted)
{
    uint64_t known[VIRTIO_FEATURE_WORDS] = {COMMON_FEATURES, 0};

    for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
        if (types[i].device == fake->dev.device_id)
            known[0] |= types[i].known;
    if (fake->dev.device_id == VIRTIO_ID_NET)
        known[1] = 0x7f;
    if (fake->dev.device_id == TEST_DEVICE_ID)
        known[1] = 1u << (70 - 64);
    for (unsigned i = 0; i < VIRTIO_FEATURE_WORDS; i++) {
        CHECK_EQ(accepted->word[i] & ~fake->offered.word[i], 0); /* FEAT-001 */
        CHECK_EQ(accepted->word[i] & ~known[i], 0);              /* FEAT-004 to -008, -022 */
    }
}

void watch_features(const struct fake *fake, const struct virtio_features *accepted)
{
    CHECK(fake->read_features);                                /* INIT-004 */
    CHECK(fake->status & VIRTIO_STATUS_DRIVER);                /* INIT-004 */
    CHECK(!(fake->status & VIRTIO_STATUS_FEATURES_OK));        /* INIT-008 */
    CHECK(virtio_features_test(accepted, VIRTIO_F_VERSION_1)); /* FEAT-013 */
    check_known(fake, accepted);
    if (fake->dev.device_id != VIRTIO_ID_NET)
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(net_needs); i++) /* FEAT-002 */
        CHECK(!virtio_features_test(accepted, net_needs[i].feature) ||
              has(accepted, net_needs[i].needs) || has(accepted, net_needs[i].or_else));
}

/* ---- configuration ---- */

enum writable { NEVER, ALWAYS, BEFORE_DRIVER_OK };

static const struct field {
    unsigned device, offset, width, nr; /* nr elements of this width */
    int feature, or_feature;            /* that the field comes with; NONE: always there */
    enum writable writable;
} fields[] = {
    {VIRTIO_ID_NET, 0, 1, 6, 5, NONE, NEVER},
    {VIRTIO_ID_NET, 6, 2, 1, 16, NONE, NEVER},
    {VIRTIO_ID_NET, 8, 2, 1, 22, 60, NEVER},
    {VIRTIO_ID_NET, 10, 2, 1, 3, NONE, NEVER},
    {VIRTIO_ID_NET, 12, 4, 1, 63, NONE, NEVER},
    {VIRTIO_ID_NET, 16, 1, 1, 63, NONE, NEVER},
    {VIRTIO_ID_NET, 17, 1, 1, 60, 57, NEVER},
    {VIRTIO_ID_NET, 18, 2, 1, 60, NONE, NEVER},
    {VIRTIO_ID_NET, 20, 4, 1, 60, 57, NEVER},
    {VIRTIO_ID_BALLOON, 0, 4, 1, NONE, NONE, NEVER},
    {VIRTIO_ID_BALLOON, 4, 4, 1, NONE, NONE, ALWAYS},
    {VIRTIO_ID_BALLOON, 8, 4, 1, 3, NONE, NEVER},
    {VIRTIO_ID_BALLOON, 12, 4, 1, 4, NONE, BEFORE_DRIVER_OK}, /* BALLOON-036 */
    {VIRTIO_ID_MEM, 0, 4, 2, NONE, NONE, NEVER},
    {VIRTIO_ID_MEM, 8, 2, 1, 0, NONE, NEVER}, /* MEM-003 */
    {VIRTIO_ID_MEM, 16, 4, 10, NONE, NONE, NEVER},
    {VIRTIO_ID_BLOCK, 0, 4, 2, NONE, NONE, NEVER},
    {VIRTIO_ID_BLOCK, 8, 4, 1, 1, NONE, NEVER},
};

/* The field that an access hits exactly, or an element of it. */
static const struct field *find_field(const struct fake *fake, unsigned offset, unsigned width)
{
    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
        if (fields[i].device == fake->dev.device_id && fields[i].width == width &&
            offset >= fields[i].offset && offset < fields[i].offset + fields[i].nr * width &&
            (offset - fields[i].offset) % width == 0)
            return &fields[i];
    return NULL;
}

void watch_config(const struct fake *fake, unsigned offset, unsigned width, bool write)
{
    const struct field *field = find_field(fake, offset, width);

    if (write)
        CHECK(fake->status & VIRTIO_STATUS_FEATURES_OK); /* INIT-006 */
    if (fake->dev.device_id == TEST_DEVICE_ID)
        return;
    if (!field) /* MMIO-001, MMIO-005 to -007, PCI-005 to -007, MEM-002 */
        unit_fail(__FILE__, __LINE__, "no field of %u bytes at %u", width, offset);
    if (field->feature != NONE) /* CFG-004 */
        CHECK(has(&fake->offered, field->feature) || has(&fake->offered, field->or_feature));
    if (!write)
        return;
    CHECK(field->writable != NEVER); /* NET-001, MEM-001 */
    CHECK(field->writable == ALWAYS || !(fake->status & VIRTIO_STATUS_DRIVER_OK));
}
