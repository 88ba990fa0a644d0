/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon: PAGE_POISON is negotiated exactly when free pages have a value.
 */
#include "fake_balloon.h"
#include <neap/memory.h>
#include <string.h>

static const uint64_t features =
    FEATURE(BALLOON_F_PAGE_REPORTING) | FEATURE(BALLOON_F_PAGE_POISON);

TEST(poison_is_not_accepted_without_a_value)
{
    host_start(64 * MIB, features);
    CHECK(!virtio_accepted(&host.fake->dev, BALLOON_F_PAGE_POISON));
    CHECK(virtio_accepted(&host.fake->dev, BALLOON_F_PAGE_REPORTING));
    CHECK_EQ(fake_config_get32(host.fake, BALLOON_CONFIG_POISON), 0);
}

/* BALLOON-003 */
TEST(poison_that_cannot_be_told_stops_reports)
{
    CHECK_EQ(shim_cmdline_set("poison", "0xaa"), 0);
    host_start(64 * MIB, FEATURE(BALLOON_F_PAGE_REPORTING));
    CHECK(!virtio_accepted(&host.fake->dev, BALLOON_F_PAGE_REPORTING));
    CHECK_EQ(host.reported_bytes, 0);
    CHECK_EQ(shim_log_count("knows nothing of poison=170"), 1);
}

TEST(poison_value_is_told)
{
    CHECK_EQ(shim_cmdline_set("poison", "0xaa"), 0);
    host_start(64 * MIB, features);
    CHECK(virtio_accepted(&host.fake->dev, BALLOON_F_PAGE_POISON));
    CHECK_EQ(fake_config_get32(host.fake, BALLOON_CONFIG_POISON), 0xaaaaaaaa);
    CHECK_EQ(shim_log_count("hosts keep what is reported"), 1);
}

/* The value that hosts give reported pages anyway. */
TEST(poison_zero_is_told_without_a_word)
{
    CHECK_EQ(shim_cmdline_set("poison", "0"), 0);
    host_start(64 * MIB, features);
    CHECK(virtio_accepted(&host.fake->dev, BALLOON_F_PAGE_POISON));
    CHECK_EQ(fake_config_get32(host.fake, BALLOON_CONFIG_POISON), 0);
    CHECK_EQ(shim_log_count("hosts keep what is reported"), 0);
    CHECK(host.reported_bytes > 32 * MIB);
}

/* What comes back from the balloon has the value again (BALLOON-034). */
TEST(poison_fills_deflated_pages)
{
    static uint8_t page[PAGE_SIZE];
    struct page *block;

    CHECK_EQ(shim_cmdline_set("poison", "0xaa"), 0);
    host_start(64 * MIB, FEATURE(BALLOON_F_PAGE_POISON));
    host_set_target(4096);
    host_set_target(0);
    host_check_agreement(0);
    block = alloc_pages(MAX_ORDER, PAGE_MOVABLE, 0);
    CHECK(block != NULL);
    memset(page, 0xaa, sizeof(page));
    CHECK(!memcmp(page_to_virt(block), page, sizeof(page)));
    free_pages(block, MAX_ORDER);
}
